"""The edge chip with another network on it."""

from __future__ import annotations

import yaml

from neurosim.arch import Chip, chip_from_data
from neurosim.data_files import data_root


def edge_with(
    topology: str, *, multicast: bool = False, entries: int | None = None, key_bits: int = 32, chips: bool = False
) -> Chip:
    """edge-28nm as mesh, torus, tree or bus of 16 cores; ``entries`` gives it key tables, ``chips`` cuts it in four."""
    data = yaml.safe_load((data_root("arch") / "chips" / "edge-28nm.yaml").read_text("utf-8"))
    router, energy = data["router"], data["energy"]
    if topology == "torus":
        data["mesh"]["topology"] = "torus"
        router["virtual_channels"] = 2
    if topology == "tree":
        data["mesh"] = {"topology": "tree", "arity": 4, "levels": 2, "cores_per_tile": 1}
        energy["hop_up"] = energy["hop_down"] = {"derive": [{"link": 32, "length_mm": 1.0}]}
    if topology == "bus":
        data["mesh"] = {"topology": "bus", "cores": 16}
    ways = {"tree": ("up", "down", "local"), "bus": ("local",)}.get(topology)
    if ways:
        router["latency_cycles"], router["interval_cycles"] = dict.fromkeys(ways, 3), dict.fromkeys(ways, 1)
    if chips:
        data["mesh"]["chips"] = {"width": 2, "height": 2, "latency_cycles": 40, "interval_cycles": 8}
        energy["hop_off_chip"] = {"pj": 100.0, "source": "neurosim"}
    if multicast:
        router["delivery"] = "multicast"
    if entries is not None:
        router["key_table"] = {"entries": entries, "key_bits": key_bits}
        energy["router_lookup"] = {"pj": 1.0, "source": "neurosim"}
    return chip_from_data(data, "edge.yaml")
