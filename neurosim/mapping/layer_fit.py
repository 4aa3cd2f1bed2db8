"""What a network uses of a layer chip, and how each layer was cut and is computed."""

from __future__ import annotations

from typing import Any

from neurosim.arch.layer import LayerChip
from neurosim.mapping.fit import overflow_text
from neurosim.mapping.layer import LayerMapping
from neurosim.mapping.layer_engines import history_planes, reuse_projections
from neurosim.snn.network import Network


def fit_layers(mapping: LayerMapping, network: Network, chip: LayerChip) -> dict[str, Any]:
    """What is used and available, and how each layer was cut; the keys of `fit_report` and ``layers``.

    A layer whose codewords are reused says ``codebook: reuse``; one of a chip that works membranes out from history
    says ``history_timesteps`` and, where they are stored all the same, ``stored_because``.
    """
    used = dict.fromkeys(mapping.provisioned_bits, 0)
    for line in mapping.memory:
        used[line.memory] += line.used_bits
    layers = []
    for i, cut in zip(mapping.order, mapping.weight_tiles, strict=True):
        tiles = [t for w in cut for t in w.tiles]
        neurons = sum(t.neurons.size for t in tiles)
        layers.append({
            "layer": network.populations[i].name,
            "weight_tiles": len(cut),
            "tiles": len(tiles),
            "rows_filled_percent": 100 * neurons / (len(tiles) * chip.core.array.rows),
            **_engines(mapping, network, chip, i),
        })  # fmt: skip
    limits = [
        {
            "limit": m, "unit": "bits", "fullest_core": used[m], "core_has": mapping.provisioned_bits[m],
            "percent": 100 * used[m] / mapping.provisioned_bits[m], "all_cores": used[m],
        }
        for m in used
    ]  # fmt: skip
    windows = -(-mapping.timesteps // mapping.window)
    return {
        "cores_used": 1,
        "cores": 1,
        "neurons_used": sum(network.populations[i].n_neurons for i in mapping.order),
        "fullest_core_bits": used,
        "core_bits": dict(mapping.provisioned_bits),
        "limits": limits,
        "overflows": [overflow_text(o, "chip") for o in mapping.overflows],
        "windows": windows,
        "window_timesteps": mapping.window,
        "load_timesteps": mapping.batch,
        "layers": layers,
    }


def _engines(mapping: LayerMapping, network: Network, chip: LayerChip, position: int) -> dict[str, Any]:
    """How a layer is computed, where the chip has a choice."""
    population, found = network.populations[position], {}
    if chip.core.codebook != "decode" and reuse_projections(network, population):
        found["codebook"] = "reuse" if population.name in mapping.reuse else "decode"
    if chip.core.membranes == "from_history":
        planes, reason = history_planes(network, population, mapping.timesteps)
        found["history_timesteps"] = planes
        if reason:
            found["stored_because"] = reason
    return found
