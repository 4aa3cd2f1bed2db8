"""NIR files as a stranger may send them: what is refused, by which name, and damaged bytes of every kind."""

import subprocess
import sys
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.snn import Conv2d, Pool2d
from neurosim.workload.nir_file import read_graph
from neurosim.workload.nir_in import read_nir
from tests.workload.nir_graphs import Drawn

INTEROP = Path(__file__).parent.parent / "validation" / "data" / "interop"
EIGHT = np.ones(3)


def lif(shape=(3,), **changed):
    fields = {"tau": 1e-3, "r": 10.0, "v_leak": 0, "v_threshold": 1, "v_reset": 0} | changed
    return nir.LIF(**{key: np.broadcast_to(value, shape).astype(float) for key, value in fields.items()})


def graph(*layers, shape=(3,), out=(3,)):
    """Input, the layers one after another, Output."""
    drawn = Drawn()
    here = drawn.add("in", nir.Input(np.array(shape)), shape)
    for i, node in enumerate(layers):
        here = drawn.add(f"n{i}", node, shape, here)
    drawn.add("out", nir.Output(np.array(out)), out, here)
    return drawn


def linear(out=3, into=3, **fields):
    weight = np.eye(out, into, dtype=np.float32)
    return nir.Affine(weight, np.zeros(out, np.float32)) if not fields else nir.Affine(weight, **fields)


def conv(weight, padding=0, groups=1, stride=1, dilation=1, given=(4, 4)):
    return nir.Conv2d(given, weight.astype(np.float32), stride, padding, dilation, groups, np.zeros(len(weight)))


def looped(*edges, **nodes):
    drawn = graph(linear(), lif())
    for name, node in nodes.items():
        drawn.nodes[name] = node
    drawn.edges += edges
    return drawn


REFUSED = {
    "unequal tau": (graph(linear(), lif(tau=[1e-3, 2e-3, 3e-3])), "node 'n1' (LIF): tau: 3 different values"),
    "unequal v_reset": (graph(linear(), lif(v_reset=[0, 0, 1])), "'n1' (LIF): v_reset: 2 different", "nir:dt=1e-4"),
    "dt over tau": (graph(linear(), lif(tau=1e-5)), "less than dt", "nir:dt=1e-4"),
    "norse tau": (graph(linear(), lif(tau=1e-5)), "repair_tau=true", "norse"),
    "negative tau": (graph(linear(), lif(tau=-1.0)), "tau: got -1"),
    "another dt": (graph(linear(), lif(tau=1e-2)), "tau/r says dt = 0.001"),
    "IF with another dt": (
        graph(linear(), nir.IF(1e3 * EIGHT, EIGHT, 0 * EIGHT)), "says dt = 0.001", "spikingjelly",
    ),
    "cuba under norse": (graph(linear(), nir.CubaLIF(EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT)), "synaptic", "norse"),
    "ends in Linear": (graph(lif(), linear()), "node 'out' (Output): takes the values of 'n1'"),
    "ends in Delay": (graph(linear(), lif(), nir.Delay(1e-4 * EIGHT)), "a Delay lies before it"),
    "membrane sent on": (graph(nir.LI(EIGHT, EIGHT, EIGHT), linear(), lif()), "'n0' (LI): sends its membrane to 'n2'"),
    "half a step": (graph(nir.Delay(1.5e-4 * EIGHT), lif()), "node 'n0' (Delay): delay"),
    "bias through delay": (
        graph(nir.Affine(np.eye(3), EIGHT), nir.Delay(1e-4 * EIGHT), lif()), "a bias would pass it",
    ),
    "wrong width": (graph(linear(3, 4), lif()), "node 'n0' (Affine): weight takes 4 values, but shape (3,) arrives"),
    "image into Linear": (graph(linear(), lif(), shape=(1, 1, 2, 3)), "put a Flatten before it"),
    "wrong neuron": (graph(linear(2), lif(), out=(3,)), "'n1' (LIF): takes shape (3,), but 'n0' sends (2,)"),
    "wrong output": (graph(linear(), lif(), out=(4,)), "node 'out' (Output): shape (4,), but (3,) arrives"),
    "channels": (graph(conv(np.ones((4, 2, 1, 1)), given=(2, 2)), lif(), shape=(3, 2, 2)), "takes 2 channels"),
    "too big a kernel": (graph(conv(np.ones((1, 1, 5, 5)), given=(2, 2)), lif(), shape=(1, 2, 2)), "does not fit"),
    "same, even": (graph(conv(np.ones((1, 1, 2, 2)), "same"), lif(), shape=(1, 4, 4)), "odd kernels"),
    "same, stride": (graph(conv(np.ones((1, 1, 3, 3)), "same", stride=2), lif(), shape=(1, 4, 4)), "stride 1"),
    "vast padding": (graph(conv(np.ones((1, 1, 3, 3)), 10**6), lif(), shape=(1, 4, 4)), "taps are over"),
    "vast input": (graph(linear(), lif(), shape=(2**26, 2)), "shape (67108864, 2)"),
    "no profile": (graph(linear(), lif()), "--profile snntorch", None),
    "operators in a ring": (
        looped(("n0", "a"), ("a", "b"), ("b", "a"), ("b", "n1"), a=linear(), b=linear()), "a loop without a neuron",
    ),
    "into the input": (looped(("n1", "in")), "nothing can enter an Input"),
    "loose operator": (looped(("a", "n1"), a=linear()), "node 'a' (Affine): nothing reaches it"),
    "infinite": (graph(nir.Affine(np.full((3, 3), np.inf), EIGHT), lif()), "NaN or infinity"),
    "beyond float32": (graph(nir.Affine(np.full((3, 3), 1e300), EIGHT), lif()), "beyond float32"),
    "threshold 0": (graph(linear(), lif(v_threshold=0)), "positive thresholds", "sinabs"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name_and_with_a_reason(name, tmp_path):
    drawn, expected, *spec = REFUSED[name]
    path = drawn.write(tmp_path / "a.nir")
    with pytest.raises(NeurosimError) as error:
        read_nir(path, *(spec or ["snntorch"]))
    assert expected in str(error.value) and str(path) in str(error.value)


def test_grouped_and_non_square_kernels_that_nir_itself_refuses(tmp_path):
    """nir 1.0.8 infers 8 x 10 here, and no shape at all with groups; the arrays say 8 x 8."""
    weight = np.ones((4, 1, 3, 5))
    drawn = graph(conv(weight, groups=4, given=(10, 12)), lif((4, 8, 8)), shape=(4, 10, 12), out=(4, 8, 8))
    network = read_nir(drawn.write(tmp_path / "a.nir"), "snntorch")
    assert network.population("n1").shape == (4, 8, 8)
    assert isinstance(network.projections[0].connectivity, Conv2d) and network.projections[0].connectivity.groups == 4


def test_a_pool_is_a_relay_of_few_bits(tmp_path):
    drawn = graph(
        nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])), conv(np.ones((1, 1, 1, 1)), given=(2, 2)),
        lif((1, 2, 2)), shape=(1, 4, 4), out=(1, 2, 2),
    )  # fmt: skip
    network = read_nir(drawn.write(tmp_path / "a.nir"), "snntorch")
    assert [p.model.kind for p in network.populations] == ["input", "relay", "lif"]
    assert network.value_bits("n0") == 3 and isinstance(network.projections[0].connectivity, Pool2d)


def test_loops_are_closed_a_step_later_and_said(tmp_path):
    """Two neurons in a ring: the edge back to the one nearer the input is the late one."""
    drawn = looped(("n1", "w"), ("w", "far"), ("far", "v"), ("v", "n1"), w=linear(), v=linear(), far=lif())
    network = read_nir(drawn.write(tmp_path / "a.nir"), "snntorch")
    assert {p.name: p.delay for p in network.projections} == {"in->n1": 0, "n1->far": 0, "far->n1": 1}
    assert network.metadata["loops"] == "closed one timestep later: far->n1"


def test_subgraphs_are_spliced(tmp_path):
    shape = np.array([3])
    inner = nir.NIRGraph(
        {"input": nir.Input(shape), "w": linear(), "lif": lif(), "output": nir.Output(shape)},
        [("input", "w"), ("w", "lif"), ("lif", "output")], type_check=False,
    )  # fmt: skip
    outer = nir.NIRGraph(
        {"input": nir.Input(shape), "a": inner, "b": inner, "output": nir.Output(shape)},
        [("input", "a"), ("a", "b"), ("b", "output")], type_check=False,
    )  # fmt: skip
    nir.write(str(tmp_path / "a.nir"), outer)
    network = read_nir(tmp_path / "a.nir", "snntorch")
    assert [p.name for p in network.populations] == ["input", "a.lif", "b.lif"]
    assert [p.name for p in network.projections] == ["input->a.lif", "a.lif->b.lif"]
    assert network.readout.population == "b.lif"


def test_two_inputs_and_edges_that_add_up(tmp_path):
    drawn = graph(linear(), lif())
    drawn.nodes |= {"also": nir.Input(np.array([3])), "w": nir.Linear(np.eye(3))}
    drawn.edges += [("also", "w"), ("w", "n1"), ("in", "n1")]
    network = read_nir(drawn.write(tmp_path / "a.nir"), "snntorch")
    assert network.input_names == ("also", "in")
    assert [(p.source, p.connectivity.kind) for p in network.projections] == [
        ("in", "identity"), ("in", "dense"), ("also", "dense"),
    ]  # fmt: skip


def spoilt(tmp_path, change):
    path = tmp_path / "a.nir"
    graph(linear(), lif()).write(path)
    with h5py.File(path, "a") as file:
        change(file["node"], file)
    return path


def _replace(group, name, value, **options):
    del group[name]
    group.create_dataset(name, data=value, **options)


def _vast(node, _):
    del node["nodes/n0/weight"]
    node["nodes/n0"].create_dataset("weight", shape=(2**20, 2**20), dtype="f4", chunks=(64, 64))


def _chunk(node, _):
    del node["nodes/n0/weight"]
    node["nodes/n0"].create_dataset("weight", shape=(3, 3), maxshape=(None, None), dtype="f4", chunks=(2**14, 2**14))


def _twice(node, _):
    _replace(node, "edges", np.array([["in", "n0"], ["in", "n0"]], dtype=object), dtype=h5py.string_dtype())


def _external(node, _):
    del node["nodes/n0/weight"]
    node["nodes/n0"].create_dataset("weight", (3, 3), "f4", external=[("/etc/hostname", 0, 36)])


def _deep(node, file):
    for _ in range(20):
        inner = node["nodes"].create_group("deep")
        for name in ("type", "edges"):
            file.copy(node[name], inner, name)
        inner.create_group("nodes")
        node = inner


def _link(node, _):
    del node["nodes/n0/weight"]
    node["nodes/n0/weight"] = h5py.ExternalLink("other.h5", "/x")


def _name(node, _):
    node["nodes"].move("n0", "n\n0")


def _hints(text):
    return lambda node, _: node.create_group("metadata").create_dataset("neurosim", data=text)


def test_hints_that_are_none_do_no_harm(tmp_path):
    for i, text in enumerate(
        ("[" * 100_000, "[]", '{"inputs": 3, "relays": {"n1": "x", "out": 99}, "input_bits": []}')
    ):
        (tmp_path / str(i)).mkdir()
        network = read_nir(spoilt(tmp_path / str(i), _hints(text)), "snntorch")
        assert [p.name for p in network.populations] == ["in", "n1"]


def _into_itself(node, _):
    node["nodes"]["again"] = node


def _shared(node, file):
    """Each of twelve graphs holds the next three times over: 3^12 graphs in a small file, none with a node to count."""
    for name in list(node["nodes"]):
        del node["nodes"][name]
    _replace(node, "edges", np.zeros((0, 2), "S1"))
    for _ in range(12):
        inner = file.create_group(f"graph{len(file)}")
        for name in ("type", "edges"):
            file.copy(node[name], inner, name)
        inner.create_group("nodes")
        for name in ("a", "b", "c"):
            node["nodes"][name] = inner
        node = inner


SPOILT = {
    "a graph in itself": (_into_itself, "nest deeper"),
    "graphs over and over": (_shared, "more than 2000 subgraphs"),
    "name": (_name, "is not printable text"),
    "hint of a profile": (_hints('{"profile": "snntorch:reset=soft"}'), "reset: got 'soft'", None),
    "hint of a readout": (_hints('{"readout": "loudest"}'), "readout.kind: got 'loudest'"),
    "vast": (_vast, "over the limit or more than the file"),
    "vast chunk": (_chunk, "over the limit or more than the file"),
    "edge twice": (_twice, "is there twice"),
    "external file": (_external, "stored in this file"),
    "link": (_link, "a link to elsewhere"),
    "deep": (_deep, "nest deeper"),
    "kind": (lambda node, _: _replace(node["nodes/n0"], "type", "MaxPool2d"), "node 'n0' (MaxPool2d): type is not one"),
    "field": (lambda node, _: node["nodes/n1"].__delitem__("tau"), "node 'n1' (LIF): field 'tau' is missing"),
    "no type": (lambda node, _: node["nodes/n1"].__delitem__("type"), "n1/type: missing"),
    "text": (lambda node, _: _replace(node["nodes/n1"], "tau", "slow"), "text 'slow', expected numbers"),
    "complex": (lambda node, _: _replace(node["nodes/n1"], "tau", np.ones(3, complex)), "cannot be used"),
    "no edges": (lambda node, _: node.__delitem__("edges"), "edges: missing"),
    "an edge to nothing": (
        lambda node, _: _replace(node, "edges", np.array([["in", "x"]], dtype=object), dtype=h5py.string_dtype()),
        "no node 'x'",
    ),
    "no nodes": (lambda node, file: file.__delitem__("node"), "/node: missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_files(name, tmp_path):
    change, expected, *spec = SPOILT[name]
    with pytest.raises(NeurosimError) as error:
        read_nir(spoilt(tmp_path, change), *(spec or ["snntorch"]))
    assert expected in str(error.value), error.value


def test_no_hdf5_at_all(tmp_path):
    (tmp_path / "a.nir").write_bytes(b"not a NIR file")
    with pytest.raises(NeurosimError, match="not a readable NIR file"):
        read_graph(tmp_path / "a.nir")
    with pytest.raises(NeurosimError, match="no such file"):
        read_graph(tmp_path / "b.nir")


def mutants(seed, count, folder):
    """``count`` damaged copies of a small model, each read; returns how many were still networks.

    A mutant may be cut, have bytes flipped, or runs overwritten; everything but a NeurosimError is a failure.
    """
    rng = np.random.default_rng(seed)
    whole = bytearray(graph(linear(), lif()).write(folder / "whole.nir").read_bytes())
    path, alive = folder / "mutant.nir", 0
    for _ in range(count):
        data = bytearray(whole)
        kind = rng.integers(4)
        if kind == 0:
            data = data[: rng.integers(len(data))]
        elif kind == 1:
            for at in rng.integers(0, len(data), rng.integers(1, 20)):
                data[at] ^= 1 << rng.integers(8)
        else:
            start = int(rng.integers(len(data)))
            stop = min(len(data), start + int(rng.integers(1, 64)))
            data[start:stop] = rng.choice([b"\0", b"\xff", rng.bytes(1)]) * (stop - start)
        path.write_bytes(data)
        try:
            read_nir(path, "snntorch")
            alive += 1
        except NeurosimError as error:
            assert str(path) in str(error)
    return alive


MUTATE = "import sys, pathlib; from tests.workload.test_nir_file import mutants; "
MUTATE += "print(mutants(int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])))"


def in_its_own_process(seed, count, folder):
    """The HDF5 library is C: a crash of it must fail the test, not end the test run."""
    command = [sys.executable, "-c", MUTATE, str(seed), str(count), str(folder)]
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=1800)
    assert done.returncode == 0, done.stderr[-2000:] or f"ended by signal {-done.returncode}"
    return int(done.stdout)


def test_damaged_files_are_refused(tmp_path):
    alive = in_its_own_process(1, 300, tmp_path)
    assert 0 < alive < 300, "some mutations hit unused bytes, most do not"


@pytest.mark.slow
def test_ten_thousand_damaged_files(tmp_path):
    assert 0 < in_its_own_process(2, 10_000, tmp_path) < 10_000
