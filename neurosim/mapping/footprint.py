"""The footprint of a network on a chip: every stored bit by layer and by core, used and provisioned, waste shown.

Lines come from the mapping that a run would use, and the model's size from `neurosim.mapping.model_size`; this file
only adds them up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from neurosim.arch import Chip
from neurosim.arch.layer import LayerChip
from neurosim.mapping.fit import fit_report, footprint_by_memory
from neurosim.mapping.layer import map_layers
from neurosim.mapping.layer_fit import fit_layers
from neurosim.mapping.map import map_network
from neurosim.mapping.mapping import MemoryUse
from neurosim.mapping.model_size import STATE, model_bits, model_lines
from neurosim.snn.network import Network

KINDS = (
    "weights", "indices", "codebooks", "state", "thresholds", "accumulators", "tables", "time buffers", "queues",
    "padding",
)  # fmt: skip
"""What stored bits are, in the order of tables and figures."""
_KIND = {
    "weights": "weights", "largest weight tile": "weights", "indices": "indices", "bitmap": "indices",
    "runs": "indices", "pointers": "indices", "codebook": "codebooks", "threshold": "thresholds", "bias": "thresholds",
    "accumulator": "accumulators", "sums": "accumulators", "entries": "tables", "delayed spikes": "time buffers",
    "spikes": "time buffers", "ingress": "queues", "egress": "queues", "padding": "padding",
}  # fmt: skip
SHARED = "shared"
"""The layer of what no single layer owns: queues and tables of a core with several, routers above the cores."""


def kind_of(line: MemoryUse) -> str:
    """One of `KINDS`; what has no kind of its own is a neuron's state."""
    return _KIND.get(line.content, "state")


@dataclass(frozen=True, eq=False)
class Footprint:
    """lines : every stored bit; layer : the layer of each line, by position in ``lines``;
    model : lines of the network alone, each parameter once; provisioned : bits of each memory of one core (None: not
    limited); by_memory : used and provisioned bits of the whole chip; layouts : in use, by projection;
    fit : as in a result."""

    network: Network
    chip: Chip | LayerChip
    lines: tuple[MemoryUse, ...]
    layer: tuple[str, ...]
    model: tuple[MemoryUse, ...]
    provisioned: dict[str, int | None]
    by_memory: dict[str, dict[str, int | None]]
    layouts: dict[str, tuple[str, ...]]
    fit: dict[str, Any]

    @property
    def total_bits(self) -> int:
        return sum(line.used_bits for line in self.lines)

    def table(self, field: str) -> dict[str | int, dict[str, int]]:
        """Bits by ``layer``, ``core`` or ``memory``, then by kind; layers in update order, cores ascending."""
        keys = self.layer if field == "layer" else [getattr(line, field) for line in self.lines]
        found: dict[str | int, dict[str, int]] = {}
        for key, line in zip(keys, self.lines, strict=True):
            row = found.setdefault(key, {})
            row[kind_of(line)] = row.get(kind_of(line), 0) + line.used_bits
        if field == "layer":
            names = [self.network.populations[i].name for i in self.network.update_order] + [SHARED]
            return {name: found[name] for name in names if name in found}
        return dict(sorted(found.items())) if field == "core" else found

    def to_json(self) -> dict[str, Any]:
        """Plain data, bits throughout; MB are 10^6 bytes."""
        parameters = model_bits(self.model)
        return {
            "network": self.network.name,
            "chip": self.chip.name,
            "model": {
                "parameters_bits": parameters,
                "parameters_mb": parameters / 8e6,
                "state_bits": model_bits(self.model, STATE),
                "lines": [
                    {"kind": line.memory, "content": line.content, "part": line.part, "bits": line.used_bits}
                    for line in self.model
                ],
            },
            "total_bits": self.total_bits,
            "memories": {
                name: {**sizes, "padding_bits": self.table("memory")[name].get("padding", 0)}
                for name, sizes in self.by_memory.items()
            },
            "core_provisioned_bits": self.provisioned,
            "layers": [{"layer": name, "bits": row} for name, row in self.table("layer").items()],
            "cores": [{"core": core, "bits": row} for core, row in self.table("core").items()],
            "layouts": {name: list(used) for name, used in self.layouts.items()},
            "fit": self.fit,
            "lines": [vars(line) for line in self.lines],
        }  # fmt: skip


def footprint(network: Network, chip: Chip | LayerChip, timesteps: int = 1, placement=None) -> Footprint:
    """What ``network`` stores on ``chip``; a network that does not fit is spread over it, as capacity ``report`` does.

    ``timesteps`` matter to a layer chip alone, whose buffers hold a window of them; ``placement`` as in `map_network`.
    Raises NeurosimError when the chip cannot compute the network.
    """
    owner: dict[int, set[str]] = {}
    layouts: dict[str, tuple[str, ...]] = {}
    if isinstance(chip, LayerChip):
        layers = map_layers(network, chip, timesteps, capacity="report")
        lines, provisioned, fit = layers.memory, layers.provisioned_bits, fit_layers(layers, network, chip)
        used = {m: sum(line.used_bits for line in lines if line.memory == m) for m in provisioned}
        by_memory = {m: {"used_bits": used[m], "provisioned_bits": provisioned[m]} for m in provisioned if used[m]}
    else:
        mapping = map_network(network, chip, capacity="report", placement=placement)
        lines, provisioned, fit = mapping.memory, mapping.provisioned_bits, fit_report(mapping, chip)
        by_memory, layouts = footprint_by_memory(mapping, chip), mapping.layouts
        for block in mapping.blocks:
            owner.setdefault(block.core, set()).add(block.population)
    names = {p.name: p.target for p in network.projections} | {p.name: p.name for p in network.populations}
    layer = tuple(names.get(line.part) or _sole(owner.get(line.core)) for line in lines)
    return Footprint(network, chip, lines, layer, model_lines(network), provisioned, by_memory, layouts, fit)


def _sole(names: Iterable[str] | None) -> str:
    found = list(names or ())
    return found[0] if len(found) == 1 else SHARED
