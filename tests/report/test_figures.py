"""Figures are written, whole, and deterministic; what they say is in the result that they are drawn from."""

from __future__ import annotations

import pytest

from neurosim import simulate
from neurosim.report import figures
from tests.mapping.chips import edge_with

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("topology", ["mesh", "torus", "tree"])
def test_link_load(topology, tmp_path):
    result = simulate("mnist-conv-w4", edge_with(topology), samples=2, network_samples=1)
    assert result.network["samples"] == 1 and result.network["deliveries"] > 0
    one = figures.link_load(result, tmp_path / "one.png", "title").read_bytes()
    assert one.startswith(PNG) and one == figures.link_load(result, tmp_path / "two.png", "title").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_link_load_needs_metrics(tmp_path):
    result = simulate("mnist-conv-w4", "edge-28nm", samples=2)
    assert result.network is None
    with pytest.raises(ValueError, match="network_samples=1"):
        figures.link_load(result, tmp_path / "x.png", "title")


def test_energy_bars(tmp_path):
    result = simulate("mnist-conv-w4", "edge-28nm", samples=2)
    assert figures.energy_by_component([result], tmp_path / "x.png", "title").read_bytes().startswith(PNG)
