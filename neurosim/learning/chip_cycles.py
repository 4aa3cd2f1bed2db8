"""Cycles of the chips whose control is held to recordings of their RTL: ReckOn's steps for e-prop, ODIN's events for
sdsp. What was counted in a run is put into those models; nothing about a chip is written down twice."""

from __future__ import annotations

from functools import cache

import numpy as np

from neurosim.arch.loader import load_chip
from neurosim.engine.event import plan_events, run_events
from neurosim.engine.event_plan import Environment, EventProgram, EventStream, Learning
from neurosim.engine.phases import plan_phases, run_phases
from neurosim.learning.counters import INDEX
from neurosim.learning.phases import BACKWARD, FORWARD, UPDATE
from neurosim.learning.state import LearningRun

EPROP_MASK = 5
"""Input and output weights learn; there are no recurrent ones."""


def chip_cycles(run: LearningRun, counts: np.ndarray, chip: str) -> dict[str, int]:
    """Cycles by phase of ``counts`` (layers, counters) on ``chip``, odin or reckon."""
    total = {name: int(n) for name, n in zip(INDEX, counts.sum(axis=0), strict=True)}
    return _odin(total) if chip == "odin" else reckon_cycles(run.sizes, total)


def reckon_cycles(sizes: tuple[int, ...], total: dict[str, int], mask: int = EPROP_MASK) -> dict[str, int]:
    """ReckOn's cycles by phase of all timesteps: linear in what was counted, by a step with one of each.

    Raises NeurosimError for a network that is larger than the chip.
    """
    plan = plan_phases(load_chip("reckon"))
    n_input, n_hidden, n_output = sizes

    def step(**given: int) -> dict[str, int]:
        named = {
            "n_input": n_input, "n_recurrent": n_hidden, "n_output": n_output, "eprop_mask": mask, **given,
        }  # fmt: skip
        row = np.array([[named.get(name, 0) for name in plan.quantities]])
        return dict(zip(plan.phases, run_phases(plan, row)[0].tolist(), strict=True))

    idle = step()
    active = step(recurrent_spikes=1, active_indices=1)["event"]
    late = 0
    if total["late_inputs"]:
        late = step(input_events=1, active_indices=1, input_events_at_index_ge_n_recurrent=1)["trace"]
    every = idle["step"] + idle["step_done"] + idle["scan"]
    return {
        FORWARD: total["steps"] * every + total["active_indices"] * active,
        BACKWARD: total["late_inputs"] * late,
        UPDATE: total["labelled_steps"] * step(target_valid=1)["eprop"],
    }


def _odin(total: dict[str, int]) -> dict[str, int]:
    """One input event after another by the four-phase handshake, none stalled by a spike on its way out.

    Leaks come as one time reference a timestep; ``steps`` of samples shown again are part of the learning.
    """
    one = {name: odin_event_cycles(name) for name in ("spike", "virtual", "tref_all")}
    leaks = total["leak_events"] + total["replay_leaks"]
    again = total["steps"] * total["replay_leaks"] // leaks if leaks else 0
    return {
        FORWARD: total["pre_spikes"] * one["spike"] + (total["steps"] - again) * one["tref_all"],
        BACKWARD: total["replay_spikes"] * one["spike"] + total["teacher_events"] * one["virtual"]
        + again * one["tref_all"],
        UPDATE: 0,
    }  # fmt: skip


@cache
def odin_event_cycles(operation: str) -> int:
    """Cycles that one more event of a kind takes in a row of them, measured on the event engine."""
    plan = plan_events(load_chip("odin"))
    lengths = []
    for n_events in (4, 5):
        zeros = np.zeros(n_events, np.int64)
        ones = zeros + 1
        stream = EventStream(zeros + plan.op_names.index(operation), zeros, zeros, ones, zeros, zeros, zeros)
        lengths.append(run_events(plan, odin_program(plan), stream, Environment()).cycles)
    return lengths[1] - lengths[0]


def odin_program(plan, weights=None, chip=None) -> EventProgram:
    """ODIN loaded with the neurons of `fast.sdsp`: ``weights`` (n_in, n) from rows 0.. to neurons 0.., everything else
    unmapped and silent. ``chip`` as there; left out, no neuron ever fires."""
    n = plan.neurons
    zeros, ones = np.zeros(n, np.int64), np.ones(n, np.int64)
    stored, mapping = np.zeros((n, n), np.int64), np.zeros((n, n), np.int64)
    if weights is not None:
        stored[: weights.shape[0], : weights.shape[1]] = weights
        mapping[: weights.shape[0], : weights.shape[1]] = 1
    threshold, leak, middle, low, stop_down, stop_up, ca_leak = (256, 0, 0, 0, 0, 0, 0) if chip is None else chip[:7]
    learning = Learning(
        mapping=mapping, leak_enabled=ones, calcium_enabled=ones, membrane_theta=ones * middle,
        calcium_theta=np.stack([ones * low, ones * stop_down, ones * stop_up]), calcium_leak=ones * ca_leak,
        calcium=zeros, calcium_count=zeros, up=zeros, down=zeros, update_unmapped=False, propagate_unmapped=False,
        learn_on_synapse=False,
    )  # fmt: skip
    return EventProgram(
        active=n, closed_loop=False, controller_output=False, weights=stored, threshold=ones * threshold,
        leak=ones * leak, membrane=zeros, disabled=zeros, inhibitory=zeros, learning=learning,
    )  # fmt: skip
