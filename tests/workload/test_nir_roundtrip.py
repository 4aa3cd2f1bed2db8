"""Networks written to NIR and read back give the same spikes, bit for bit; what NIR cannot hold is refused by name."""

from dataclasses import replace

import nir
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neurosim import to_nir
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.snn import (
    Conv2d,
    Dense,
    Identity,
    Input,
    Leak,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Readout,
    Relay,
)
from neurosim.workload.nir_in import read_nir
from neurosim.workload.nir_out import write_nir
from neurosim.workload.workload import load_workload
from tests.engine.strategies import networks, stimuli


@st.composite
def expressible(draw):
    """A random float network with what NIR has no words for taken out: one set of rules, exponential leaks."""
    network = draw(networks(integer=False))
    several = draw(st.booleans()) and draw(st.booleans())
    shared = {
        "compare": ">=" if several else draw(st.sampled_from([">", ">="])),
        "reset": draw(st.sampled_from(["hard", "subtract", "none"])),
        "reset_delay": not several and draw(st.booleans()), "v_floor": draw(st.sampled_from([None, -1.0])),
        "max_spikes": 255 if several else 1, "refractory": 0, "leak_first_step": True,
    }  # fmt: skip
    start = draw(st.sampled_from(["zero", "reset", "leak"]))
    plain = [_plain(p, shared, start) for p in network.populations]
    silent = {p.name for p in plain if isinstance(p.model, Lif) and p.model.threshold is None}
    projections = [p for p in network.projections if p.source not in silent]
    return replace(network, populations=plain, projections=projections)


def _plain(p, shared, start):
    model = p.model
    if isinstance(model, Relay):
        return replace(p, model=Relay(True, 24))
    if isinstance(model, Input) and model.ternary:
        return replace(p, model=Input())
    if not isinstance(model, Lif):
        return p
    keep = model.leak.factor if model.leak.factor is not None else 0.75
    leak = Leak("multiply", factor=min(keep, 0.95)) if model.leak.kind == "multiply" else Leak()
    wanted = {
        **shared, "ternary": False, "leak": leak, "decay_input": model.decay_input and leak.kind == "multiply",
        "v_rest": model.v_rest if leak.kind == "multiply" else 0,
        "current_keep": model.current_keep if leak.kind == "multiply" else None,
        "threshold": None if model.threshold is None else np.abs(model.threshold) + np.float32(0.1),
    }  # fmt: skip
    if model.threshold is None:
        wanted |= {"max_spikes": 1, "reset_delay": False}
    hard = shared["reset"] == "hard" and model.threshold is not None
    wanted["v_init"] = {"zero": 0, "reset": model.v_reset if hard else 0, "leak": wanted["v_rest"]}[start]
    return replace(p, model=replace(model, **wanted))


def spikes_by_name(network, stimulus):
    trace = run_function(network, stimulus)
    ends = zip(network.populations, network.offsets[:-1], network.offsets[1:], strict=True)
    return {p.name: trace.dense(a, b) for p, a, b in ends}, trace


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_same_spikes_after_the_round_trip(data, tmp_path_factory):
    network = data.draw(expressible())
    path = tmp_path_factory.mktemp("out") / "a.nir"
    try:
        write_nir(network, path, dt=data.draw(st.sampled_from([1e-4, 1e-3, 0.125])))
    except NeurosimError as error:
        # Drawn networks put vectors into images, read a relay out, or give a bias nothing to ride on.
        assert any(text in str(error) for text in ("NIR", "readout", "a file is read")), error
        assume(False)
    again = read_nir(path)
    stimulus = data.draw(stimuli(network))
    before, trace = spikes_by_name(network, stimulus)
    after, trace_after = spikes_by_name(again, stimulus)
    for name, spikes in before.items():
        np.testing.assert_array_equal(after[name], spikes, err_msg=name)
        if isinstance(network.population(name).model, Lif):
            i, j = network.index[name], again.index[name]
            ours = trace.membrane[:, network.offsets[i] : network.offsets[i + 1]]
            np.testing.assert_array_equal(trace_after.membrane[:, again.offsets[j] : again.offsets[j + 1]], ours)
    assert again.input_names == network.input_names
    if isinstance(network.population(network.readout.population).model, Lif):
        assert again.readout == network.readout


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=expressible())
def test_a_second_round_trip_changes_nothing(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twice")
    try:
        write_nir(network, folder / "a.nir")
    except NeurosimError:
        assume(False)
    once = read_nir(folder / "a.nir")
    write_nir(once, folder / "b.nir")
    assert read_nir(folder / "b.nir").content_hash() == once.content_hash()


@pytest.mark.parametrize("name", ["mnist-mlp-float", "mnist-conv-float"])
def test_shipped_float_workloads(name, tmp_path):
    path = tmp_path / "a.nir"
    to_nir(name, path, dt=1e-3)
    assert set(type(node).__name__ for node in nir.read(path).nodes.values()) >= {"Input", "Affine", "LIF", "Output"}
    work = load_workload(name)
    stimulus = work.stimulus(20)
    again = read_nir(path)
    assert again.readout == work.network.readout and "compare=>=" not in again.metadata["profile"]
    before, _ = spikes_by_name(work.network, stimulus)
    after, _ = spikes_by_name(again, stimulus)
    assert all((before[name] == after[name]).all() for name in before)


def one(model, connectivity=None, source=(2,), target=(2,), **projection):
    dense = Dense(np.ones((2, 2), np.float32))
    return Network(
        [Population("in", source, Input()), Population("a", target, model)],
        [Projection("in", "a", connectivity or dense, **projection)], Readout("a"),
    )  # fmt: skip


IMAGE = (1, 4, 4)
CONV = Conv2d(np.ones((1, 1, 1, 1), np.float32))
REFUSED = {
    "integer": (lambda: one(Lif(3, membrane_bits=8), Dense(np.ones((2, 2), np.int8))), "integer membranes"),
    "refractory": (lambda: one(Lif(1.0, refractory=2)), "population 'a'.refractory"),
    "linear leak": (lambda: one(Lif(1.0, Leak("subtract", amount=0.1))), "population 'a'.leak"),
    "shift": (lambda: one(Lif(1.0, Leak("shift", shift=2))), "use multiply"),
    "growing": (lambda: one(Lif(1.0, Leak("multiply", factor=1.5))), "leak.factor: got 1.5"),
    "start": (lambda: one(Lif(1.0, v_init=0.5)), "v_init"),
    "bias on a copy": (lambda: one(Lif(1.0, bias=1), Identity()), "'a': its bias"),
    "bias in a channel": (lambda: one(Lif(1.0, bias=np.arange(16)), CONV, IMAGE, IMAGE), "'a': its bias"),
    "late leak": (
        lambda: one(Lif(1.0, Leak("multiply", factor=0.5), v_rest=1, leak_first_step=False)), "leak_first_step",
    ),
    "max": (lambda: _pooled(Relay(False), "max"), "OR of spikes"),
    "integrator sends": (
        lambda: Network(
            [Population("a", (1,), Lif(None)), Population("b", (1,), Lif(1.0))], [Projection("a", "b", Identity())]
        ),
        "'a' never spikes",
    ),
    "relay read out": (lambda: _pooled(Relay(True, 4), "sum"), "readout 'a' is no neuron"),
    "a slash": (
        lambda: Network([Population("in", (1,), Input()), Population("a/b", (1,), Lif(1.0))], []), "without '/'",
    ),
    "two rules": (
        lambda: Network([Population("a", (1,), Lif(1.0)), Population("b", (1,), Lif(1.0, compare=">"))], []),
        "population 'b'.compare",
    ),
    "image from a vector": (
        lambda: Network(
            [Population("in", (4,), Input()), Population("a", IMAGE, Lif(1.0)), Population("b", IMAGE, Lif(1.0))],
            [Projection("in", "a", Dense(np.ones((4, 16), np.float32))), Projection("a", "b", CONV)],
        ),
        "a->b: the source is flat",
    ),
}  # fmt: skip


def _pooled(relay, mode):
    made = one(relay, Pool2d(mode, 2), IMAGE, (1, 2, 2))
    return replace(made, populations=[*made.populations, Population("z", (1,), Lif(1.0))])


@pytest.mark.parametrize("name", REFUSED)
def test_what_nir_cannot_hold(name, tmp_path):
    made, expected = REFUSED[name]
    with pytest.raises(NeurosimError, match=expected.replace("(", r"\(")):
        write_nir(made(), tmp_path / "a.nir")
    assert not list(tmp_path.iterdir())


def test_recurrent_and_delayed(tmp_path):
    """A loop with its delay written out comes back with that delay, not with one more."""
    network = Network(
        [Population("in", (2,), Input()), Population("a", (2,), Lif(1.0))],
        [Projection("in", "a", Dense(np.eye(2, dtype=np.float32))),
         Projection("a", "a", Dense(np.ones((2, 2), np.float32)), delay=3)],
    )  # fmt: skip
    write_nir(network, tmp_path / "a.nir")
    again = read_nir(tmp_path / "a.nir")
    assert [(p.name, p.delay) for p in again.projections] == [("in->a", 0), ("a->a", 3)]
    assert again.readout is None and "loops" not in again.metadata


def test_same_network_same_bytes(tmp_path):
    for name in ("a.nir", "b.nir"):
        write_nir(one(Lif(1.0)), tmp_path / name)
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()
