"""The scripts under benchmarks/: what they parse, and that the networks they time mean the same on both engines."""

import importlib
from pathlib import Path

import pytest

from neurosim.engine.function import run_function

FOLDER = Path(__file__).parent.parent / "benchmarks"

# Made by hand after the shape of what the program prints; no number in it was measured. Figures of a first class that
# is not the overall one, and units and sample counts behind the numbers, are there to be passed over.
BOOKSIM_OUTPUT_MADE_BY_HAND = """\
BEGIN Configuration File: p3.cfg
Class 0:
Packet latency average = 99.5
Hops average = 3.25
Accepted packet rate average = 0.5
Accepted flit rate average= 0.5
Time taken is 42000 cycles
====== Overall Traffic Statistics ======
====== Traffic class 0 ======
Packet latency average = 21.5 (1 samples)
\tminimum = 5 (1 samples)
Network latency average = 20.5 (1 samples)
Flit latency average = 20.5 (1 samples)
Accepted packet rate average = 0.125 (1 samples)
\tminimum = 0.1 (1 samples)
Accepted flit rate average = 0.125 (1 samples)
Injected packet size average = 1 (1 samples)
Hops average = 6.25 (1 samples)
Total run time 2.5
"""


def script(name, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module(name)


def test_booksim_output_is_parsed(monkeypatch):
    found = script("booksim", monkeypatch).parse(BOOKSIM_OUTPUT_MADE_BY_HAND, nodes=64)
    assert found == {
        "cycles": 42000, "hops": 6.25, "latency": 21.5, "accepted": 0.125, "flit_hops": 0.125 * 64 * 42000 * 6.25,
    }  # fmt: skip


def test_booksim_output_without_an_end_is_refused(monkeypatch):
    cut = BOOKSIM_OUTPUT_MADE_BY_HAND.partition("====== Overall")[0]
    with pytest.raises(ValueError, match="no line for hops"):
        script("booksim", monkeypatch).parse(cut, nodes=64)


def test_booksim_beside_ours(monkeypatch, tmp_path, capsys):
    """A program that prints the text above and ends with 255, as BookSim does, stands in for the binary."""
    booksim = script("booksim", monkeypatch)
    (tmp_path / "output").write_text(BOOKSIM_OUTPUT_MADE_BY_HAND)
    binary = tmp_path / "binary"
    binary.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat {tmp_path}/output\nexit 255\n')
    binary.chmod(0o755)
    monkeypatch.setattr(booksim, "CYCLES", 200)
    booksim.compare(booksim.Case(4, 2, 8, 0.1), binary, repeats=1, folder=tmp_path)
    printed = capsys.readouterr().out
    assert "BookSim 2" in printed and "(hops 6.25, latency 21.50)" in printed and "ratio" in printed
    arguments = (tmp_path / "arguments").read_text().split()
    assert arguments[1:] == ["k=4", "num_vcs=2", "vc_buf_size=8", "injection_rate=0.1", "seed=1"]
    assert "vc_allocator = piggyback;\n" in (tmp_path / "p3.cfg").read_text()


@pytest.mark.parametrize("kind", ["mlp", "conv"])
@pytest.mark.parametrize("int8", [False, True])
def test_networks_beside_the_frameworks(monkeypatch, kind, int8):
    """Every layer fires, and both engines agree to the bit."""
    networks = script("frameworks_networks", monkeypatch)
    network = networks.make_network(kind, int8)
    stimulus = networks.make_stimulus(networks.make_inputs(kind, batch=2)[:4])
    fast, slow = (run_function(network, stimulus, engine) for engine in ("fast", "reference"))
    for name in ("ptr", "neuron", "active", "membrane", "saturations"):
        assert getattr(fast, name).tobytes() == getattr(slow, name).tobytes(), name
    if kind == "conv":
        assert fast.value.tobytes() == slow.value.tobytes()
    counts = fast.counts_by_neuron()
    assert all(counts[layer].any() for layer in networks.neuron_layers(network)[:2])
