"""Layer execution: the engines agree, the order gives the same spikes, closed forms, what batching saves, refusals."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neurosim import simulate
from neurosim.arch import load_chip
from neurosim.engine.function import run_function
from neurosim.engine.layer import plan_layers, run_layers
from neurosim.engine.reference.function import reference_function
from neurosim.engine.reference.layer_function import layer_function
from neurosim.errors import NeurosimError
from neurosim.mapping.layer import map_layers
from neurosim.snn import Dense, Input, IntCodec, Lif, Network, Population, Projection, Readout, Stimulus
from tests.engine.layer_chips import layer_chip, layer_chips
from tests.engine.strategies import cases

FEED_FORWARD = {"max_delay": 0, "recurrent": False}
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def spikes_of(network, stimulus):
    """The trace; what no chip can run (average or max pooling of the wrong spikes) is not a case."""
    try:
        return run_function(network, stimulus)
    except NeurosimError as refusal:
        assert any(text in str(refusal) for text in ("max pooling", "'max'", "fractions", "value_bits"))
        assume(False)


def timed(network, chip, stimulus, engine="fast", capacity="refuse", trace=None):
    trace = spikes_of(network, stimulus) if trace is None else trace
    mapping = map_layers(network, chip, stimulus.timesteps, capacity=capacity)
    return run_layers(plan_layers(network, chip, mapping), trace, engine)


def chain(*sizes, bits=4, timesteps=8, samples=2, rate=0.4, seed=0):
    """A dense integer network and spikes for it."""
    rng = np.random.default_rng(seed)
    populations = [Population("in", (sizes[0],), Input())]
    populations += [Population(f"l{i}", (n,), Lif(6, membrane_bits=16)) for i, n in enumerate(sizes[1:], 1)]
    projections = [
        Projection(a.name, b.name, Dense(rng.integers(-3, 8, (a.n_neurons, b.n_neurons))), IntCodec(bits))
        for a, b in pairwise(populations)
    ]
    network = Network(populations, projections, Readout(populations[-1].name, "membrane"))
    return network, Stimulus.from_dense((rng.random((samples, timesteps, sizes[0])) < rate).astype(np.int8))


@SLOW
@given(cases(**FEED_FORWARD), layer_chips())
def test_the_fast_engine_is_the_reference(case, chip):
    network, stimulus = case
    trace = spikes_of(network, stimulus)
    fast, slow = (timed(network, chip, stimulus, engine, "report", trace) for engine in ("fast", "reference"))
    assert fast.differences(slow) == []


@SLOW
@given(cases(**FEED_FORWARD), st.integers(1, 9))
def test_a_layer_for_a_whole_window_gives_the_spikes_of_step_by_step(case, window):
    network, stimulus = case
    spikes_of(network, stimulus)
    step, batched = reference_function(network, stimulus), layer_function(network, stimulus, window)
    for name in ("ptr", "neuron", "active", "membrane", "saturations"):
        assert np.array_equal(getattr(step, name), getattr(batched, name)), name
    assert (step.value is None) == (batched.value is None)
    assert step.value is None or np.array_equal(step.value, batched.value)


@SLOW
@given(cases(**FEED_FORWARD), layer_chips())
def test_what_happened_follows_from_the_trace(case, chip):
    """Events are spikes x fan-out, updates neurons x timesteps, slots at least the spikes of the fullest column."""
    network, stimulus = case
    trace = spikes_of(network, stimulus)
    result = timed(network, chip, stimulus, "fast", "report", trace)
    counts = trace.counts_by_neuron()
    for i, p in enumerate(network.projections):
        start = network.offsets[network.index[p.source]]
        fan_out = network.fan_out(p)
        assert result.projection("events")[i] == counts[start : start + fan_out.size] @ fan_out
    order = [i for i in network.update_order if network.populations[i].model.kind != "input"]
    neurons = np.array([network.populations[i].n_neurons for i in order])
    assert np.array_equal(result.layer("updates"), neurons * trace.n_samples * trace.timesteps)
    assert (result.cycles >= 0).all()
    busiest = np.maximum(result.layer("array_busy"), result.layer("update_busy"))
    assert (result.cycles[:, :, 1:].sum(axis=(0, 1)) >= busiest).all()


def test_every_quantum_of_a_small_run():
    """Four inputs, three neurons in tiles of two, three timesteps in passes of two, everything exposed."""
    network, _ = chain(4, 3)
    spikes = np.zeros((1, 3, 4), np.int8)
    spikes[0, 0, [0, 2]] = spikes[0, 1, 2] = spikes[0, 2, 3] = 1
    chip = layer_chip(
        io={"cycles_per_word": 5},
        layer_cycles=7,
        array={"rows": 2, "columns": 2, "fill_cycles": 3},
        update={"lanes": 1, "state_cycles": 4, "step_cycles": 2, "when": "exposed"},
        synaptic_memory={"word_bits": 8, "banks": 1, "read_cycles": 2},
        weight_buffer={"word_bits": 8, "banks": 1, "load": "exposed"},
        spike_buffer={"word_bits": 2, "banks": 1},
        partial_sum_buffer={"word_bits": 32, "banks": 1},
    )
    result = timed(network, chip, Stimulus.from_dense(spikes))
    # Host: 4 neurons x 3 timesteps in 6 words. The membrane is the answer, so no spikes go back.
    host = 6 * 5
    # Two weights of 4 bits fill a word and one does not: 4 rows are 4 words for either tile, 2 quanta each.
    load = 4 * 2
    # Steps 0 and 1: rows 0 and 2 spike, 4 rows x 2 columns are 4 words of spikes; step 2: row 3, and 2 words.
    first, second = max(2, 2, 4), max(1, 1, 2)
    tiles = array = update = 0
    for neurons in (2, 1):
        passes = 3 + first + neurons * 2 + 3 + second + neurons
        array, update = array + passes, update + neurons * (4 + 3 * 2)
        tiles += load + passes + neurons * (4 + 3 * 2)
    # The second load runs while the first tile is updated, which takes longer.
    assert result.cycles.tolist() == [[[host, 7 + tiles - load]]]
    assert result.by_projection.tolist() == [[8, 8, 6, 6, 12, 4 * 3, 0, 0, 0, 0]]
    # No timestep is carried over, the membrane is written once for the host: 2 x 16 and 1 x 16 bits, a word each.
    assert result.by_layer.tolist() == [[2, 9, 9, 0, 2, 9, 0, 2 * load, array, update, 0]]


def test_ternary_spikes_take_the_slots_of_spikes_and_turn_a_sign():
    dense = Dense(np.full((4, 3), 2, np.int8))
    raster = np.zeros((1, 2, 4), np.int8)
    raster[0, 0, :2] = 1, -1
    done = []
    for bits, ternary in ((2, True), (2, False)):
        populations = [Population("in", (4,), Input(bits, ternary)), Population("a", (3,), Lif(None, membrane_bits=8))]
        network = Network(populations, [Projection("in", "a", dense, IntCodec(4))], Readout("a", "membrane"))
        result = simulate(network, load_chip("edge-28nm-layer"), Stimulus.from_dense(raster))
        done.append(result.activity.totals())
    assert (done[0]["accumulate_dense"], done[0]["weight_sign"]) == (6, 6) and "multiply_accumulate" not in done[0]
    assert done[1]["multiply_accumulate"] == 6 and "weight_sign" not in done[1]
    assert done[0]["spike_buffer_read"] == done[1]["spike_buffer_read"]


@pytest.mark.parametrize("window", [1, 2, 4, 8])
def test_weight_fetches_fall_by_exactly_the_window(window):
    network, stimulus = chain(20, 40, 10)
    one, batched = (timed(network, layer_chip(time_window=w), stimulus) for w in (1, window))
    for name in ("fetched", "filled"):
        assert (one.projection(name) == window * batched.projection(name)).all()
    assert (one.layer("loads") == window * batched.layer("loads")).all()
    assert (batched.projection("fetched") > 0).all()
    again = timed(network, layer_chip(time_window=window, weight_reuse_over_time=False), stimulus)
    assert np.array_equal(again.projection("fetched"), one.projection("fetched"))


def test_a_last_window_that_is_shorter_still_fetches():
    network, stimulus = chain(20, 40, timesteps=7)
    one, three = (timed(network, layer_chip(time_window=w), stimulus) for w in (1, 3))
    assert one.projection("fetched")[0] * 3 == three.projection("fetched")[0] * 7
    assert three.cycles.shape == (2, 3, 2)


def test_state_stays_in_its_lane_within_a_window():
    network, stimulus = chain(20, 40)
    reads = {w: timed(network, layer_chip(time_window=w), stimulus).layer("state_reads")[0] for w in (1, 2, "all")}
    assert (reads[1], reads[2], reads["all"]) == (2 * 7 * 10, 2 * 3 * 10, 0)


def test_packing_takes_what_the_spikes_leave():
    network, stimulus = chain(20, 40, 10, rate=0.1)
    runs = [timed(network, layer_chip(spike_packing=p), stimulus) for p in ("none", "drop_empty_rows", "pack")]
    none, drop, pack = (r.projection("slots") for r in runs)
    # Two samples, one pass; 20 rows for three tiles and 40 for one.
    assert none.tolist() == [2 * 20 * 3, 2 * 40]
    assert (drop < none).all() and (pack <= drop).all() and (pack < drop).any()
    spikes = np.zeros(20, bool)
    total = 0
    for sample in range(2):
        ptr = stimulus.ptr[sample * 8 : sample * 8 + 9]
        spikes[:] = False
        spikes[stimulus.neuron[ptr[0] : ptr[-1]]] = True
        total += 3 * spikes.sum()
    assert drop[0] == total
    # A packed column reads its weights alone.
    spikes_of_input = stimulus.neuron.size
    assert runs[2].projection("weight_reads")[0] == spikes_of_input * 3
    assert runs[1].projection("weight_reads")[0] == total


@SLOW
@given(cases(**FEED_FORWARD), layer_chips())
def test_hiding_never_costs_time(case, chip):
    network, stimulus = case
    data, trace = chip.model_dump(mode="json", by_alias=True, exclude_none=True), spikes_of(network, stimulus)

    def total(load, when):
        changed = {**data, "core": {**data["core"]}}
        changed["core"]["update"] = {**data["core"]["update"], "when": when}
        changed["core"]["weight_buffer"] = {**data["core"]["weight_buffer"], "load": load, "capacity_bits": 1 << 30}
        return timed(network, type(chip).model_validate(changed), stimulus, "fast", "report", trace).cycles.sum()

    exposed, hidden = total("exposed", "exposed"), total("hidden", "hidden")
    assert hidden <= min(total("hidden", "exposed"), total("exposed", "hidden")) <= exposed


def test_samples_are_independent_and_threads_do_not_matter():
    network, stimulus = chain(20, 40, 10, samples=5)
    chip = layer_chip(time_window=3)
    plan = plan_layers(network, chip, map_layers(network, chip, 8))
    trace = run_function(network, stimulus)
    one, many = (run_layers(plan, trace, threads=n) for n in (1, 4))
    assert one.differences(many) == []
    alone = timed(network, chip, stimulus.head(2))
    assert np.array_equal(alone.cycles, one.cycles[:2])


def test_a_trace_of_another_run_is_refused():
    network, stimulus = chain(4, 3)
    plan = plan_layers(network, layer_chip(), map_layers(network, layer_chip(), 8))
    short = run_function(network, Stimulus.from_dense(np.ones((1, 2, 4), np.int8)))
    with pytest.raises(NeurosimError, match=r"trace: 7 neurons over 2 timesteps, expected the plan's 7 over 8"):
        run_layers(plan, short)
    with pytest.raises(NeurosimError, match="engine: got 'quick'"):
        run_layers(plan, run_function(network, stimulus), "quick")


def test_settings_that_are_published_designs_take_their_slots():
    """Spikes x ceil(N / lanes) with one column that packs; non-empty rows of a four-step window x ceil(N / 16).

    The first is how one-column designs with bit sparsity are counted, the second one that batches four timesteps.
    """
    network, stimulus = chain(30, 40, timesteps=8, samples=1, rate=0.15)
    raster = np.zeros((8, 30), bool)
    raster[np.repeat(np.arange(8), np.diff(stimulus.ptr)), stimulus.neuron] = True
    bits = layer_chip(spike_packing="pack", array={"rows": 32, "columns": 1}, weight_buffer={"word_bits": 128})
    assert timed(network, bits, stimulus).projection("slots")[0] == raster.sum() * 2
    four = layer_chip(time_window=4, array={"rows": 16, "columns": 4})
    expected = sum(raster[t : t + 4].any(axis=0).sum() for t in (0, 4)) * 3
    assert timed(network, four, stimulus).projection("slots")[0] == expected
    dense = layer_chip(spike_packing="none", array={"rows": 16, "columns": 1})
    assert timed(network, dense, stimulus).projection("slots")[0] == 30 * 8 * 3


def test_a_layer_without_weights_or_inputs_still_runs():
    populations = [Population("in", (4,), Input()), Population("alone", (3,), Lif(2, bias=1, membrane_bits=8))]
    network = Network(populations, [], Readout("alone", "count"))
    stimulus = Stimulus.from_dense(np.ones((1, 5, 4), np.int8))
    fast, slow = (timed(network, layer_chip(), stimulus, engine) for engine in ("fast", "reference"))
    assert fast.differences(slow) == []
    # Nobody reads the inputs; the answer is 3 neurons x 5 timesteps in one word.
    assert fast.host_words.tolist() == [[0, 0], [0, 1]]
    assert fast.layer("loads").tolist() == [0] and fast.layer("updates").tolist() == [15]
