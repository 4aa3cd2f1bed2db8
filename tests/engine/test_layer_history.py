"""Membranes worked out from the history of spikes: the same spikes, both engines, every count, and what it refuses."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.engine.function import run_function
from neurosim.engine.layer import plan_layers, run_layers
from neurosim.engine.reference.function import reference_function
from neurosim.engine.reference.history_function import history_function
from neurosim.mapping.layer import map_layers
from neurosim.mapping.layer_engines import history_planes, kept_shift
from neurosim.mapping.layer_fit import fit_layers
from neurosim.run_layer import expected_events, layer_stages
from neurosim.snn import Dense, Input, IntCodec, Leak, Lif, Network, Population, Projection, Readout, Stimulus
from neurosim.workload.workload import load_workload
from tests.engine.layer_chips import layer_chip, layer_chips

SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck))
LEAKS = (
    Leak(),
    Leak("shift", shift=0),
    Leak("shift", shift=1),
    Leak("shift", shift=1, rounding="nearest"),
    Leak("multiply", numerator=2, shift=3),
    Leak("multiply", numerator=0, shift=2),
)


@st.composite
def memory_free_cases(draw):
    """in -> a -> b without resets, wide membranes, weights far enough above the point for every halving to be exact."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    sizes = [draw(st.integers(1, 6)) for _ in range(3)]
    timesteps = draw(st.integers(1, 6))
    populations, projections = [Population("in", (sizes[0],), Input())], []
    for name, n, before in zip("ab", sizes[1:], sizes, strict=False):
        leak, unit = draw(st.sampled_from(LEAKS)), 1 << 12
        model = Lif(
            rng.integers(-2, 9, n) * unit, leak, bias=rng.integers(-5000, 5000, n) * draw(st.integers(0, 1)),
            reset=draw(st.sampled_from(["none", "hard", "subtract"])) if kept_shift(leak) == -1 else "none",
            membrane_bits=32, compare=draw(st.sampled_from([">", ">="])),
        )  # fmt: skip
        source = populations[-1].name
        populations.append(Population(name, (n,), model))
        projections.append(
            Projection(source, name, Dense(rng.integers(-3, 5, (before, n))), IntCodec(4), weight_shift=12)
        )
    network = Network(populations, projections, Readout("b", "count"))
    dense = rng.random((draw(st.integers(1, 3)), timesteps, sizes[0])) < draw(st.sampled_from([0.1, 0.5]))
    return network, Stimulus.from_dense(dense.astype(np.int8))


@SLOW
@given(memory_free_cases())
def test_a_history_of_spikes_gives_the_spikes_of_a_stored_membrane(case):
    network, stimulus = case
    assert all(history_planes(network, p, stimulus.timesteps)[0] for p in network.populations[1:])
    stored, worked_out = reference_function(network, stimulus), history_function(network, stimulus)
    for name in ("ptr", "neuron", "active", "membrane", "saturations"):
        assert np.array_equal(getattr(stored, name), getattr(worked_out, name)), name


@SLOW
@given(memory_free_cases(), layer_chips(history=True))
def test_the_fast_engine_is_the_reference_and_events_are_counted_again(case, chip):
    network, stimulus = case
    trace = run_function(network, stimulus)
    mapping = map_layers(network, chip, stimulus.timesteps, capacity="report")
    plan = plan_layers(network, chip, mapping)
    fast, slow = (run_layers(plan, trace, engine) for engine in ("fast", "reference"))
    assert fast.differences(slow) == []
    raster = np.zeros((trace.n_samples * trace.timesteps, network.n_neurons), np.int64)
    raster[np.repeat(np.arange(len(raster)), np.diff(trace.ptr)), trace.neuron] = 1
    raster = raster.reshape(trace.n_samples, trace.timesteps, -1)
    for i, (p, planes) in enumerate(zip(network.projections, mapping.history, strict=True)):
        start = network.offsets[network.index[p.source]]
        spikes = raster[:, :, start : start + network.population(p.source).n_neurons].sum(axis=(0, 2))
        again = sum(
            spikes[max(0, t - planes + 1) : t + 1].sum() for t in range(trace.timesteps)
        )  # fmt: skip
        assert fast.projection("events")[i] == again * network.population(p.target).n_neurons
    folded = [
        sum(min(h, t + 1) for t in range(trace.timesteps)) * trace.n_samples * network.populations[i].n_neurons
        for h, i in zip(mapping.history, mapping.order, strict=True)
    ]
    assert fast.layer("folds").tolist() == folded
    assert not fast.layer("state_reads").any() or any(bits for bits in plan.own_bits)
    assert not fast.layer("state_writes").any()


def halving(timesteps=4, shift=12, **changes):
    """in (4) -> a (3), halved each step, a membrane of 24 bits."""
    model = replace(Lif(4 << 12, Leak("shift", shift=1), reset="none", membrane_bits=24), **changes)
    populations = [Population("in", (4,), Input()), Population("a", (3,), model)]
    projection = Projection("in", "a", Dense(np.ones((4, 3), int)), IntCodec(4), weight_shift=shift)
    return Network(populations, [projection], Readout("a", "count"))


@pytest.mark.parametrize(
    ("changes", "timesteps", "reason"),
    [
        ({}, 4, ""),
        ({}, 13, ""),
        ({}, 14, "13 bits below the point in 14 timesteps, weights leave 12"),
        ({"reset": "subtract"}, 4, r"its membranes are reset \(subtract\)"),
        ({"leak": Leak("shift", shift=3)}, 4, "keeps no power of two"),
        ({"leak": Leak("shift", shift=1, rounding="zero")}, 4, "keeps no power of two"),
        ({"leak": Leak("multiply", numerator=3, shift=2)}, 4, "keeps no power of two"),
        ({"membrane_bits": 16, "threshold": 4}, 4, "membranes of 16 bits might saturate"),
        ({"refractory": 2}, 4, "refractory"),
        ({"v_init": 3}, 4, "rest or start other than 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_exact_keeps_its_membranes(changes, timesteps, reason):
    network = halving(**changes)
    planes, said = history_planes(network, network.populations[1], timesteps)
    assert planes == (0 if reason else timesteps)
    if not reason:
        assert said == ""
        return
    assert re.search(reason, said)
    chip = layer_chip(time_window=1, membranes="from_history")
    mapping = map_layers(network, chip, timesteps)
    row = fit_layers(mapping, network, chip)["layers"][0]
    assert row["history_timesteps"] == 0 and row["stored_because"] == said
    assert any(line.content == "membrane" for line in mapping.memory)


def test_no_membrane_is_stored_and_the_spike_buffer_holds_the_history():
    network = halving()
    chips = (layer_chip(time_window=1), layer_chip(time_window=1, membranes="from_history"))
    stored, history = (
        {(m.memory, m.content, m.part): m.used_bits for m in map_layers(network, chip, 4).memory} for chip in chips
    )
    assert stored["membrane_memory", "membrane", "a"] == 3 * 24
    assert ("membrane_memory", "membrane", "a") not in history
    spikes = {part: bits for (memory, _, part), bits in history.items() if memory == "spike_buffer"}
    # Four timesteps of four inputs, and this timestep's three spikes for the host.
    assert spikes == {"in": 16, "a": 3}
    assert stored["spike_buffer", "spikes", "in"] == 4


def test_the_shipped_history_network_without_its_membranes():
    work = load_workload("mnist-conv-mfp-w1-history")
    stimulus = work.stimulus(3)
    chip = layer_chip(time_window=1, membranes="from_history")
    stages = layer_stages(work.network, chip, stimulus)
    assert stages.mapping.history == (8, 8, 0)
    assert stages.timing.projection("events").tolist() == expected_events(work.network, stages)
    trace = history_function(work.network, work.stimulus(1))
    usual = run_function(work.network, work.stimulus(1))
    assert np.array_equal(trace.neuron, usual.neuron) and np.array_equal(trace.ptr, usual.ptr)
    assert np.array_equal(trace.membrane, usual.membrane)
