"""The three stages in a row: both engines agree on random networks and chips, and every run keeps its laws."""

from io import StringIO
from math import fsum

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rich.console import Console

from neurosim.arch import load_chip
from neurosim.arch.prices import PriceSpec
from neurosim.arch.schema import Barrier
from neurosim.errors import NeurosimError
from neurosim.mapping.storage import CHOICES
from neurosim.report.text import result_text
from neurosim.result import WAIT_CAUSES, Result
from neurosim.run import read_out, simulate, simulate_stages
from neurosim.snn import Dense, Input, IntCodec, Lif, Network, Population, Projection, Readout, Stimulus
from tests.engine.strategies import cases
from tests.mapping.strategies import changed

EVERYTHING = {
    "int_bits": (1, 24),
    "odd_int": True,
    "ternary": True,
    "binary": True,
    "codebook": True,
    "float32": True,
    "membrane_bits_max": 32,
    "leaks": ("none", "multiply", "shift", "subtract"),
    "resets": ("hard", "subtract", "none"),
    "overflows": ("saturate", "wrap"),
    "compares": (">", ">="),
    "decay_input": True,
    "reset_delay": True,
    "refractory": True,
    "synaptic_current": True,
    "membrane_floor": True,
    "multi_spike": True,
    "ternary_spikes": True,
    "delay_max": 15,
    "spike_payload_bits": 32,
}


@st.composite
def chips(draw):
    """A shipped chip with its structure redrawn: one core or many, queues of depth 1, other latencies and lanes."""
    chip = load_chip(draw(st.sampled_from(["edge-28nm", "loihi-2018", "loihi-silicon"])))
    sign = {"weight_sign": PriceSpec(pj=0.1, source=next(iter(chip.sources)))}
    chip = chip.model_copy(
        update={"arithmetic": chip.arithmetic.model_copy(update=EVERYTHING), "energy": {**sign, **chip.energy}}
    )
    one_core = draw(st.booleans()) and draw(st.booleans())
    width, height = (1, 1) if one_core else (draw(st.integers(1, 4)), draw(st.integers(1, 3)))
    changes = {
        "mesh.width": width,
        "mesh.height": height,
        "mesh.cores_per_tile": 1 if one_core else draw(st.integers(1, 4)),
        "io.payload_bits": 32,
        "io.tile": (draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))),
        "delivery": draw(st.sampled_from(["same_step", "next_step"])),
        "router.virtual_channels": draw(st.integers(1, 3)),
        "router.queue_depth_flits": draw(st.integers(1, 6)),
        "router.flits_per_packet": draw(st.integers(1, 3)),
        "core.neurons": draw(st.integers(5, 40)),
        "core.ingress_depth": draw(st.integers(1, 4)),
        "core.egress_depth": draw(st.integers(1, 4)),
        "core.update_policy": draw(st.sampled_from(["all", "touched"])),
        "core.update.lanes": draw(st.integers(1, 5)),
        "core.synapse.lanes": draw(st.integers(1, 9)),
        "core.synapse.overlap": draw(st.sampled_from(["pipelined", "serial"])),
        "core.synaptic_memory.shared_kernels": draw(st.booleans()),
        "core.synaptic_memory.layout": draw(st.sampled_from(["by_kind", *CHOICES])),
    }
    if draw(st.booleans()):
        changes |= draw(sides())
    for path, value in changes.items():
        chip = changed(chip, path, value)
    if draw(st.booleans()):
        chip = with_messages(chip, draw(st.booleans()), draw(st.sampled_from(["host", (0, height - 1)])))
    return chip


@st.composite
def sides(draw):
    """What the units of a core do side by side, and where their memories stand in each other's way."""
    few, yes = st.integers(1, 4), st.booleans()
    return {
        "core.synapse.overlap_lookup": draw(yes),
        "core.synapse.fill_cycles": draw(st.sampled_from([0, 7])),
        "core.synaptic_memory.banks": draw(few),
        "core.synaptic_memory.ports": draw(few),
        "core.synaptic_memory.bank_conflicts": draw(yes),
        "core.membrane_memory.banks": draw(few),
        "core.membrane_memory.ports": draw(few),
        "core.membrane_memory.bank_conflicts": draw(yes),
        "core.membrane_memory.shared_port": draw(yes),
        "core.egress.overlap_update": draw(yes),
    }


def with_messages(chip, combine=False, root="host"):
    """The chip with a barrier of messages; their energy is that of the barrier."""
    price = PriceSpec(included_in="barrier")
    barrier = Barrier(kind="messages", combine=combine, root=root)
    return chip.model_copy(update={"barrier": barrier, "energy": {**chip.energy, "barrier_message_hop": price}})


def same(a, b):
    """Every array of two stage results, compared for equality."""
    for part in ("trace", "timing"):
        for name, first in vars(getattr(a, part)).items():
            second = getattr(getattr(b, part), name)
            if isinstance(first, np.ndarray):
                assert first.dtype == second.dtype and np.array_equal(first, second), f"{part}.{name}"
            elif name != "log":
                assert first == second, f"{part}.{name}"
    for name, first in vars(a.timing.log).items():
        assert np.array_equal(first, getattr(b.timing.log, name)), f"log.{name}"


@given(cases(max_samples=3, max_timesteps=5), chips())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_reference_and_fast_engine_agree_on_random_networks_and_chips(case, chip):
    network, stimulus = case
    options = {"capacity": "report", "log": True}
    try:
        fast = simulate_stages(network, chip, stimulus, **options)
    except NeurosimError as refusal:
        # Only what nothing can run: a loop too fast for next-step delivery, more layers than cores, fractions or a
        # maximum of graded values in an integer network; rows of a layout that cannot hold them, or not in banks.
        told = ("next-step", "cannot be spread", "max pooling", "'max'", "fractions", "no zero", "bank_conflicts: true")
        assert any(text in str(refusal) for text in told)
        assume(False)
    same(simulate_stages(network, chip, stimulus, engine="reference", **options), fast)
    result = simulate(network, chip, stimulus, capacity="report")
    check_laws(network, result, fast)


def check_laws(network, result, stages):
    """Conservation, counted again here from the trace and the definition of each connectivity."""
    counts = stages.trace.counts_by_neuron()
    core = stages.mapping.endpoint
    packets = events = 0
    for source in np.flatnonzero(counts):
        ends = set()
        for projection in network.projections:
            i, j = network.index[projection.source], network.index[projection.target]
            local = source - network.offsets[i]
            if not 0 <= local < network.populations[i].n_neurons:
                continue
            shapes = network.populations[i].shape, network.populations[j].shape
            indptr, indices, _ = projection.connectivity.to_csr(*shapes)
            targets = indices[indptr[local] : indptr[local + 1]]
            ends |= set(core[targets + network.offsets[j]].tolist())
            if projection.connectivity.event == "synapse":
                events += counts[source] * targets.size
        readout = network.index[network.readout.population]
        ends |= {"host"} if network.offsets[readout] <= source < network.offsets[readout + 1] else set()
        packets += counts[source] * len(ends)
    assert result.packets["delivered"] + result.packets["drops"] == packets
    assert result.synaptic_events["effective"] == events
    for fields in (("component",), ("action",), ("place", "part")):
        assert fsum(result.energy.by(*fields).values()) == pytest.approx(result.energy_pj, rel=1e-12)
    assert result.energy.total_pj(True) > 0
    assert result.energy.unsourced_share() == 0


def tiny(readout="count", silent=False):
    rng = np.random.default_rng(2)
    network = Network(
        [Population("in", (6,), Input()), Population("out", (3,), Lif(4, membrane_bits=12))],
        [Projection("in", "out", Dense(rng.integers(-3, 4, (6, 3))), IntCodec(4))],
        Readout("out", readout),
    )
    spikes = np.zeros((4, 5, 6)) if silent else rng.random((4, 5, 6)) < 0.6
    return network, Stimulus.from_dense(spikes.astype(np.int8), np.array([0, 1, 2, 0]))


@pytest.mark.parametrize("chip", ["edge-28nm", "loihi-2018", "loihi-silicon"])
def test_a_silent_sample_still_costs_updates_barriers_and_leakage(chip):
    network, stimulus = tiny(silent=True)
    result = simulate(network, load_chip(chip), stimulus)
    assert result.packets["sent"] == 0 and result.synaptic_events["effective"] == 0
    assert result.spikes == {"in": 0, "out": 0}
    assert result.activity.total("neuron_inactive") + result.activity.total("neuron_active") > 0
    assert (result.round_cycles > 0).all() and result.energy.total_pj(leakage=True) > 0


def test_a_barrier_of_messages_is_counted_and_timed():
    network, stimulus = tiny()
    chip = load_chip("edge-28nm")
    plain, told = simulate(network, chip, stimulus), simulate(network, with_messages(chip), stimulus)
    rounds = plain.round_cycles.size
    # One core on the host's tile: its message passes the host's port, the release the core's.
    assert told.activity.total("barrier_message_hop") == 2 * rounds and told.activity.total("barrier") == rounds
    assert plain.activity.total("barrier_message_hop") == 0
    # Messages are priced in the barrier; only the clocks see that they take longer.
    timed = ("leakage", "idle_clock")
    actions = [[x for x in r.energy.leaves if x.energy_pj and x.action not in timed] for r in (plain, told)]
    assert actions[0] == actions[1]
    assert set(plain.barrier_cycles.ravel()) == {4}
    # 2 to inject and 3 to leave, each way, and a quantum at the root; the host may still wait for the core's answer.
    work = plain.round_cycles - plain.barrier_cycles
    assert np.array_equal(told.round_cycles - told.barrier_cycles, work)
    assert told.barrier_cycles.max() <= 2 * (2 + 3) + 1 and told.barrier_cycles.min() >= 1 + 2 + 3
    assert told.waits.shape == (told.round_cycles.shape[1], chip.n_cores + 1, len(WAIT_CAUSES))


def test_waits_are_told_by_core_and_round():
    network, stimulus = tiny()
    chip = changed(load_chip("edge-28nm"), "io.input_interval_cycles", 1)
    chip = changed(chip, "router.queue_depth_flits", 1)
    chip = changed(chip, "core.ingress_depth", 1)
    result = simulate(network, chip, stimulus)
    shown = Console(width=120, file=StringIO())
    shown.print(result_text(result))
    assert "Timing, a sample" in shown.file.getvalue() and "egress unit, network full" in shown.file.getvalue()
    frame = result.waits_frame()
    assert result.waits_total["egress_network"] == frame.quanta[frame.cause == "egress_network"].sum() > 0
    assert chip.n_cores in set(frame.core[frame.cause == "egress_network"])  # the host, faster than the core


def test_threads_and_batches_do_not_change_a_byte(tmp_path):
    network, stimulus = tiny()
    chip = load_chip("edge-28nm")
    one = simulate(network, chip, stimulus, threads=1).save(tmp_path / "one.npz").read_bytes()
    assert simulate(network, chip, stimulus, threads=3).save(tmp_path / "three.npz").read_bytes() == one
    alone = simulate(network, chip, stimulus.head(2)).round_cycles
    assert np.array_equal(alone, simulate(network, chip, stimulus).round_cycles[:2])


@pytest.mark.parametrize("kind", ["count", "membrane", "first_spike"])
def test_readouts_by_definition(kind):
    network, stimulus = tiny(kind)
    trace = simulate_stages(network, load_chip("edge-28nm"), stimulus).trace
    raster = trace.dense(6, 9)
    for sample, predicted in enumerate(read_out(network, trace)):
        if kind == "count":
            expected = max(range(3), key=lambda k: (raster[sample, :, k].sum(), -k))
        elif kind == "membrane":
            expected = max(range(3), key=lambda k: (trace.membrane[sample, 6 + k], -k))
        else:
            times = [next((t for t in range(5) if raster[sample, t, k]), 99) for k in range(3)]
            expected = -1 if min(times) == 99 else times.index(min(times))
        assert predicted == expected


def test_a_result_saves_loads_and_renders(tmp_path):
    network, stimulus = tiny()
    result = simulate(network, load_chip("edge-28nm"), stimulus, parameters={"seed": 0})
    again = Result.load(result.save(tmp_path / "r.npz"))
    assert np.array_equal(again.waits, result.waits) and np.array_equal(again.barrier_cycles, result.barrier_cycles)
    assert again.to_json() == result.to_json()
    assert again.energy == result.energy
    assert result.energy_frame()["energy_pj"].sum() == pytest.approx(result.energy_pj)
    assert set(result.activity_frame()["action"]) <= set(load_chip("edge-28nm").energy)
    assert result.footprint_frame()["used_bits"].sum() == sum(x["used_bits"] for x in result.footprint.values())
    assert "edge-28nm" in result._repr_html_()
    assert result.confusion.sum() == 4
    (tmp_path / "bad.npz").write_bytes((tmp_path / "r.npz").read_bytes()[:-30])
    with pytest.raises(NeurosimError, match=r"bad\.npz"):
        Result.load(tmp_path / "bad.npz")
