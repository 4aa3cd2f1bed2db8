"""Reading one recorded run of an event chip: a JSON file and the npz beside it, in the format ``rtl-golden-1``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neurosim.arch import load_chip
from neurosim.engine.event import plan_events
from neurosim.engine.event_plan import Environment, EventPlan, EventProgram, EventStream, Learning
from neurosim.errors import NeurosimError
from neurosim.files import read_npz

FORMAT = "rtl-golden-1"
CHIPS = {"tinyODIN": "tinyodin", "ODIN": "odin"}
MAX_BYTES = 256 << 20
MAX_DEPTH = 1 << 20
_HANDSHAKE = {
    "release_delay": "in_req_release_delay", "gap": "in_req_gap", "ack_delay": "out_ack_delay",
    "ack_release_delay": "out_ack_release_delay",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class RtlCase:
    """One recording: what to run, and what was recorded."""

    name: str
    plan: EventPlan
    program: EventProgram
    events: EventStream
    environment: Environment
    record: dict
    arrays: dict[str, np.ndarray]


@contextmanager
def malformed_as_error(path: Path) -> Iterator[None]:
    """Turns whatever goes wrong inside into a NeurosimError that begins with the file's name."""
    try:
        yield
    except NeurosimError as error:
        raise NeurosimError(str(error) if str(path.parent) in str(error) else f"{path}: {error}") from None
    except KeyError as error:
        raise NeurosimError(f"{path}: {error.args[0]!r} is missing") from None
    except (TypeError, ValueError, OverflowError, AttributeError, IndexError) as error:
        raise NeurosimError(f"{path}: malformed ({' '.join(str(error).split())[:120]})") from None


def read_case(path: Path) -> RtlCase:
    """Raises NeurosimError naming the file and the field that is missing, malformed or out of range."""
    record = read_record(path)
    with malformed_as_error(path):
        arrays = read_npz(path.parent / Path(record["arrays"]).name)
        design = record["design"]
        if design not in CHIPS:
            raise NeurosimError(f"design {design!r}, expected one of {', '.join(CHIPS)}")
        config = record["config"]
        plan = plan_events(load_chip(CHIPS[design]))
        n = int(arrays["threshold"].size)
        # The recording says how large its instance was; everything else is the chip's.
        last = tuple(min(neuron, n - 1) for neuron in plan.op_last_neuron)
        depth = int(config["fifo_depth"])
        if not (n and 1 <= depth <= MAX_DEPTH):
            raise NeurosimError(f"config: {n} neurons, fifo_depth {depth}; expected at least 1, 1 to {MAX_DEPTH}")
        plan = replace(plan, neurons=n, depth=depth, op_last_neuron=last)
        environment = Environment(**{ours: int(record["handshake"][key]) for ours, key in _HANDSHAKE.items()})
        return RtlCase(
            str(record["name"]), plan, _program(config, arrays), _events(plan, record["events"]), environment, record,
            arrays,
        )  # fmt: skip


def read_record(path: Path) -> dict:
    """The JSON part, with its format checked."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NeurosimError(f"{path}: larger than {MAX_BYTES} bytes, the most that is read")
        record = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise NeurosimError(f"{path}: not a readable JSON file ({error})") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise NeurosimError(f"{path}: expected an object with format {FORMAT!r}")
    return record


def _program(config: dict, arrays: dict[str, np.ndarray]) -> EventProgram:
    return EventProgram(
        active=int(config["n_active"]),
        closed_loop=not config["open_loop"],
        controller_output=config["aer_out_source"] == "controller",
        weights=arrays["weights"],
        threshold=arrays["threshold"],
        leak=arrays["leak"],
        membrane=arrays["v_init"],
        disabled=arrays["disabled"],
        inhibitory=arrays.get("inhibitory"),
        monitored=int(config.get("monitored_neuron", 0)),
        learning=_learning(config, arrays) if "ca_init" in arrays else None,
    )


def _learning(config: dict, arrays: dict[str, np.ndarray]) -> Learning:
    return Learning(
        mapping=arrays["mapping"],
        leak_enabled=arrays["leak_enabled"],
        calcium_enabled=arrays["ca_enabled"],
        membrane_theta=arrays["theta_mem"],
        calcium_theta=arrays["ca_theta"],
        calcium_leak=arrays["ca_leak"],
        calcium=arrays["ca_init"],
        calcium_count=arrays["ca_leak_cnt_init"],
        up=arrays["sdsp_up_init"],
        down=arrays["sdsp_down_init"],
        update_unmapped=bool(config["update_unmapped_synapses"]),
        propagate_unmapped=bool(config["propagate_unmapped_synapses"]),
        learn_on_synapse=bool(config["sdsp_on_synapse_event"]),
    )


def _events(plan: EventPlan, events: list[dict]) -> EventStream:
    def column(*keys: str) -> np.ndarray:
        values = [next((event[key] for key in keys if key in event), 0) for event in events]
        return np.array(values, np.int64).reshape(len(events))

    strangers = sorted({str(event["type"]) for event in events} - set(plan.op_names))
    if strangers:
        raise NeurosimError(f"event type {strangers[0]!r}, expected one of {', '.join(plan.op_names)}")
    return EventStream(
        operation=np.array([plan.op_names.index(event["type"]) for event in events], np.int64),
        neuron=column("pre", "neuron"),
        post=column("post"),
        weight=column("weight"),
        negative=column("sign"),
        leak=column("leak"),
        not_before=column("t_not_before"),
    )
