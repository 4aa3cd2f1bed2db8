"""Networks with their own core map run with exactly the spikes, synaptic events and messages of a direct replay."""

import numpy as np
import pytest

from neurosim import simulate as simulate_file
from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.run import simulate, simulate_stages
from neurosim.workload.core_map_npz import load_core_map_network

THRESHOLD, LEAK = 64.0, 0.9375


def random_net(n, fanout, per_core, seed=1):
    """n recurrent neurons with ``fanout`` distinct targets each, biased so that they fire."""
    rng = np.random.default_rng(seed)
    post = np.stack([np.sort(rng.choice(n, fanout, replace=False)) for _ in range(n)])
    return dict(
        sizes=np.array([n]), n_input=np.int64(0), indptr=np.arange(0, n * fanout + 1, fanout, dtype=np.int64),
        indices=post.ravel().astype(np.int32), weights=rng.integers(-2, 3, n * fanout).astype(np.int8),
        bias=rng.integers(5, 10, n).astype(np.int8), v0=rng.integers(0, 64, n).astype(np.int8),
        core=(np.arange(n) // per_core).astype(np.int32), inputs=np.zeros((0, 0), np.uint8),
        threshold=THRESHOLD, leak=LEAK,
    )  # fmt: skip


def layered_net(layers, steps, per_core, rate=0.15, seed=1):
    """Fully connected layers, the first of them a played-back raster; a core holds neurons of one layer."""
    rng = np.random.default_rng(seed)
    n, start = sum(layers), np.concatenate([[0], np.cumsum(layers)])
    ptr, indices, weights, core, following = [0], [], [], [], 0
    for i, size in enumerate(layers):
        core.append(following + np.arange(size) // per_core)
        following = int(core[-1][-1]) + 1
        m = layers[i + 1] if i + 1 < len(layers) else 0
        indices.append(np.tile(np.arange(m) + start[min(i + 1, len(layers) - 1)], size))
        weights.append(rng.integers(-7, 8, size * m))
        ptr.extend(ptr[-1] + m * (1 + np.arange(size)))
    return dict(
        sizes=np.array(layers), n_input=np.int64(layers[0]), indptr=np.array(ptr, np.int64),
        indices=np.concatenate(indices).astype(np.int32), weights=np.concatenate(weights).astype(np.int8),
        bias=np.zeros(n, np.int8), v0=np.zeros(n, np.int8), core=np.concatenate(core).astype(np.int32),
        inputs=(rng.random((steps, layers[0])) < rate).astype(np.uint8), threshold=THRESHOLD, leak=LEAK,
    )  # fmt: skip


def replay(net, steps):
    """The neuron of the file's documentation in float64, one step after another: spikes by step, events, messages."""
    n, n_input = len(net["bias"]), int(net["n_input"])
    ptr, targets, w = net["indptr"], net["indices"], net["weights"].astype(float)
    v, current = net["v0"].astype(float), np.zeros(n)
    rasters, events, messages = [], 0, 0
    for t in range(steps):
        v = np.trunc((v * LEAK if t else v) * 64) / 64 + net["bias"] + current
        fired = v > THRESHOLD
        if n_input:
            fired[:n_input] = net["inputs"][t] != 0
        v[fired] = 0
        current = np.zeros(n)
        for i in np.flatnonzero(fired):
            row = slice(ptr[i], ptr[i + 1])
            np.add.at(current, targets[row], w[row])
            events += ptr[i + 1] - ptr[i]
            messages += np.unique(net["core"][targets[row]]).size
        rasters.append(np.flatnonzero(fired))
    return rasters, int(events), int(messages)


CASES = {
    "random": (random_net(300, 20, 40), 60),
    "random, one core": (random_net(60, 9, 60, seed=5), 40),
    "layers": (layered_net([50, 64, 40, 10], 40, 16), 40),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_equals_the_replay(tmp_path, case, engine):
    net, steps = CASES[case]
    np.savez_compressed(tmp_path / "net.npz", **net)
    loaded = load_core_map_network(tmp_path / "net.npz", timesteps=steps)
    chip = load_chip("loihi-silicon")
    rasters, events, messages = replay(net, steps)
    assert sum(r.size for r in rasters) > 100
    stages = simulate_stages(
        loaded.network, chip, loaded.stimulus, engine=engine, capacity="report", placement=loaded.core
    )
    for t, expected in enumerate(rasters):
        spikes = stages.trace.neuron[stages.trace.ptr[t] : stages.trace.ptr[t + 1]]
        assert np.array_equal(spikes, expected), f"step {t}"
    result = simulate(loaded.network, chip, loaded.stimulus, engine=engine, capacity="report", placement=loaded.core)
    assert result.synaptic_events["effective"] == events
    assert result.packets["sent"] == result.packets["delivered"] == messages


def test_an_overfull_core_is_reported_by_how_much(tmp_path):
    net, steps = CASES["random"]
    net = {**net, "core": np.zeros(300, np.int32)}
    np.savez_compressed(tmp_path / "net.npz", **net)
    loaded = load_core_map_network(tmp_path / "net.npz", timesteps=steps)
    chip = load_chip("loihi-silicon")
    small = chip.model_copy(update={"core": chip.core.model_copy(update={"neurons": 256})})
    with pytest.raises(NeurosimError, match=r"neurons needs 300 neurons, has 256 \(44 too many\)"):
        simulate(loaded.network, small, loaded.stimulus, placement=loaded.core)
    result = simulate(loaded.network, small, loaded.stimulus, placement=loaded.core, capacity="report")
    assert result.fit["overflows"] == ["core 0: neurons needs 300 neurons, has 256 (44 too many)"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"core": np.zeros(7, np.int32)}, "core: int32"),
        ({"indices": np.full(6000, 300, np.int32)}, "targets must be 0 to 299"),
        ({"leak": 0.9}, "leak: got 0.9"),
        ({"threshold": 1 / 3}, "threshold"),
        ({"bias": np.zeros(300)}, "bias: float64"),
        ({"sizes": np.array([200, 200])}, "bias"),
        ({"weights": np.zeros(6000, np.int64)}, "expected int8 or int16"),
        ({"n_input": np.int64(4)}, "n_input 4"),
        ({"n_input": np.zeros(2, np.int64)}, "n_input: int64"),
        ({"leak": np.nan}, "leak: float64"),
        ({"leak": "slow"}, "leak: <U4"),
        ({"sizes": np.array(["300"])}, "sizes: <U3"),
        ({"indptr": np.full(301, -1, np.int64)}, "indptr: must start at 0"),
    ],
)
def test_damaged_files_are_refused(tmp_path, change, message):
    np.savez(tmp_path / "bad.npz", **{**CASES["random"][0], **change})
    with pytest.raises(NeurosimError, match=message):
        load_core_map_network(tmp_path / "bad.npz", timesteps=3)


def test_a_network_without_input_needs_a_length(tmp_path):
    np.savez(tmp_path / "net.npz", **CASES["random"][0])
    with pytest.raises(NeurosimError, match="--timesteps"):
        load_core_map_network(tmp_path / "net.npz")


# What SANA-FE 2.2.9 reports for the same two networks at full size: spikes, synaptic operations, messages, and its
# energy in joules (it has no leakage) with the constants of loihi-silicon, all synapses on its dense unit.
JOULES = 1.6280517779996098e-4
PUBLISHED = {
    "mlp": (
        lambda: layered_net([784, 1024, 1024, 10], 50, 256, 0.05),
        50,
        (6511, 4306422, 19035),
        1.6280517779996098e-4,
    ),
    "rand": (lambda: random_net(4096, 128, 256), 100, (29135, 3729280, 466049), 2.184068349000017e-4),
}


@pytest.mark.parametrize("case", PUBLISHED)
def test_full_size_networks_equal_the_peer_s_own_counts(tmp_path, case):
    make, steps, (spikes, events, messages), joules = PUBLISHED[case]
    np.savez_compressed(tmp_path / "net.npz", **make())
    result = simulate_file(
        str(tmp_path / "net.npz"), "loihi-silicon", timesteps=steps, capacity="report", synapse_unit="dense"
    )
    assert sum(result.spikes.values()) == spikes
    assert result.synaptic_events["effective"] == events
    assert result.packets["delivered"] == messages
    assert result.energy.total_pj(leakage=False) * 1e-12 == pytest.approx(joules, rel=1e-12)
    if case == "mlp":
        assert any("synaptic_memory needs 2097152 bits" in line for line in result.fit["overflows"])


@pytest.mark.slow
@pytest.mark.ci
def test_the_largest_network_equals_the_peer_s_own_counts(tmp_path):
    np.savez_compressed(tmp_path / "net.npz", **random_net(32768, 128, 256))
    result = simulate_file(str(tmp_path / "net.npz"), "loihi-silicon", timesteps=100, capacity="report")
    assert sum(result.spikes.values()) == 233767
    assert result.synaptic_events["effective"] == 29922176
    assert result.packets["delivered"] == 18977870
    assert any("axons_in" in line for line in result.fit["overflows"])
