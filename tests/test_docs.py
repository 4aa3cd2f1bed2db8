"""Python blocks of the docs run as they stand there; those that need another package, where it is installed."""

import re
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).parent.parent / "docs"
INTEROP = Path(__file__).parent / "validation" / "data" / "interop"
PAGES = ("switching", "encoders", "neurobench", "sweep", "reports")


def blocks() -> list:
    return list(_blocks())


def _blocks():
    for page in PAGES:
        text = (DOCS / f"{page}.md").read_text("utf-8")
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)):
            yield pytest.param(block, id=f"{page}-{number}")


def module(package):
    """The stored model of a framework as its user would have it, and the folder of its recording."""
    import torch

    if package == "snntorch":
        import snntorch as snn

        folder = INTEROP / "snntorch_mlp_digits"
        state = torch.load(folder / "state_dict.pt", weights_only=True)
        net = torch.nn.Sequential(
            torch.nn.Linear(64, 128), snn.Leaky(state["1.beta"], state["1.threshold"], init_hidden=True),
            torch.nn.Linear(128, 10), snn.Leaky(state["3.beta"], state["3.threshold"], init_hidden=True, output=True),
        )  # fmt: skip
    else:
        from spikingjelly.activation_based import neuron

        folder = INTEROP / "spikingjelly_conv_digits"
        state = torch.load(folder / "state_dict.pt", weights_only=True)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 16, 3, padding=1, bias=False), neuron.LIFNode(2.0, True, 0.4), torch.nn.AvgPool2d(2),
            torch.nn.Conv2d(16, 32, 3, padding=1), neuron.IFNode(1.0), torch.nn.Flatten(),
            torch.nn.Linear(512, 10), neuron.LIFNode(3.0, False, 1.0),
        )  # fmt: skip
    net.load_state_dict(state, strict=False)
    return net, folder


@pytest.mark.parametrize("block", blocks())
def test_it_runs(block, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    needed = re.match(r"# needs: (.*)\n", block)
    if needed:
        for package in needed[1].split(", "):
            pytest.importorskip(package)
        import torch

        from neurosim.workload.recording import read_recording

        names["net"], folder = module(needed[1].split(", ")[-1])
        recording = read_recording(folder)
        given = recording.input[:4]
        np.save("x.npy", given)
        shape = np.load(folder / "reference.npz")["input_shape"][2:]
        batch = torch.from_numpy(given.astype(np.float32)).reshape(*given.shape[:2], *shape)
        names |= {"batch": batch.transpose(0, 1), "labels": recording.labels[:4]}
    exec(compile(block, "docs", "exec"), names)
    if "print(" in block:
        assert capsys.readouterr().out.strip()
    if "result" in names and needed:
        assert sum(names["result"].spikes.values()) > given.sum() > 0


def test_every_tool_has_its_lines():
    text = (DOCS / "switching.md").read_text("utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [s.split("\n")[0] for s in sections] == ["snnTorch", "SpikingJelly", "NIR", "SANA-FE", "NeuroBench"]
    for section in sections:
        for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
            code = [x for x in block.splitlines() if x and not x.startswith(("import", "from", "#"))]
            assert 3 <= len(code) <= 4, section.split("\n")[0]
