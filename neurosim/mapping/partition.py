"""Cutting populations into blocks that fit a core. One population a core; blocks are runs of a chosen neuron order.

For targets of a convolution two orders are tried, channel by channel and pixel by pixel (row-major), and the one with
fewer routes into its blocks wins (ties: fewer blocks, then channel by channel). Block sizes are found by bisection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.layout import Feed, Layout
from neurosim.snn.network import Network, Population
from neurosim.snn.neuron import Lif


@dataclass(frozen=True)
class Need:
    """What one block asks of a core, by the names of the limits."""

    neurons: int
    synaptic_memory: int
    membrane_memory: int
    axon_table: int
    axons_in: int


def core_limits(chip: Chip) -> dict[str, int | None]:
    """Limits of one core by the names in `Need`, and axons_out and routing_table; None is no limit."""
    core = chip.core
    return {
        "neurons": core.neurons,
        "synaptic_memory": core.synaptic_memory.capacity_bits,
        "membrane_memory": core.membrane_memory.capacity_bits,
        "axon_table": core.axon_table.capacity_bits,
        "routing_table": core.routing_table.capacity_bits,
        "axons_in": core.axons_in,
        "axons_out": core.axons_out,
    }


def membrane_bits(population: Population, neurons: np.ndarray, chip: Chip) -> dict[str, int]:
    """Bits of state and parameters of some neurons of a population, by content."""
    n = len(neurons)
    bits = {state.name: state.width_bits * n for state in population.model.states}
    model = population.model
    if population.model.kind != "input" and chip.core.membrane_memory.accumulator_bits:
        bits["accumulator"] = chip.core.membrane_memory.accumulator_bits * n
    if isinstance(model, Lif):
        width = model.membrane_bits or 32
        for name in ("threshold", "bias"):
            values = getattr(model, name)
            if values is None or (values.size == 1 and name == "bias" and not values.any()):
                continue
            copies = 1 if values.size == 1 else n
            if values.size not in (1, population.n_neurons):
                copies = np.unique(neurons // (population.n_neurons // values.size)).size
            bits[name] = width * copies
    return bits


class Partitioner:
    """Fits runs of neurons onto cores."""

    def __init__(self, network: Network, chip: Chip, layout: Layout) -> None:
        self.network = network
        self.chip = chip
        self.layout = layout
        self.limits = core_limits(chip)

    def incoming(self, name: str) -> list[int]:
        """Positions of the projections into a population."""
        return [i for i, p in enumerate(self.network.projections) if p.target == name]

    def feeds(self, name: str, neurons: np.ndarray) -> list[tuple[int, Feed]]:
        """All feeds of one block, with their projection positions."""
        return [(i, self.layout.feed(i, neurons)) for i in self.incoming(name)]

    def need(self, population: Population, neurons: np.ndarray) -> Need:
        """What a block of these neurons asks of its core."""
        feeds = self.feeds(population.name, neurons)
        by_source: dict[str, list[np.ndarray]] = {}
        for i, feed in feeds:
            by_source.setdefault(self.network.projections[i].source, []).append(feed.sources)
        axons = sum(np.unique(np.concatenate(group)).size for group in by_source.values())
        return Need(
            neurons=len(neurons),
            synaptic_memory=sum(feed.total_bits for _, feed in feeds),
            membrane_memory=sum(membrane_bits(population, neurons, self.chip).values()),
            axon_table=axons * self.chip.core.axon_table.word_bits,
            axons_in=axons,
        )

    def broken(self, need: Need) -> list[tuple[str, int, int]]:
        """Limits that a block breaks: (name, needed, limit)."""
        found = []
        for name, value in vars(need).items():
            limit = self.limits[name]
            if limit is not None and value > limit:
                found.append((name, value, limit))
        return found

    def orders(self, population: Population) -> list[np.ndarray]:
        """Neuron orders to try: C order, and for channels over pixels also pixel by pixel."""
        plain = np.arange(population.n_neurons, dtype=np.int32)
        if len(population.shape) != 3 or population.shape[0] == 1:
            return [plain]
        return [plain, plain.reshape(population.shape).transpose(1, 2, 0).ravel().copy()]

    def cut(self, population: Population, order: np.ndarray, cap: int) -> tuple[list[np.ndarray], int]:
        """Blocks of at most ``cap`` neurons in this order, and the routes (source, block) they need."""
        blocks: list[np.ndarray] = []
        routes = start = 0
        while start < order.size:
            size = min(cap, order.size - start)
            need = self.need(population, order[start : start + size])
            if self.broken(need):
                good, bad = 0, size
                while bad - good > 1:
                    middle = (good + bad) // 2
                    fits = not self.broken(self.need(population, order[start : start + middle]))
                    good, bad = (middle, bad) if fits else (good, middle)
                if good == 0:
                    name, needed, limit = self.broken(self.need(population, order[start : start + 1]))[0]
                    raise NeurosimError(self.explain_one(population, name, needed, limit))
                size = good
                need = self.need(population, order[start : start + size])
            blocks.append(order[start : start + size])
            routes += need.axons_in
            start += size
        return blocks, routes

    def explain_one(self, population: Population, name: str, needed: int, limit: int) -> str:
        """The message for a single neuron that no core can hold."""
        unit = "bits" if name.endswith(("memory", "table")) else name
        field = f"core.{name}" + (".capacity_bits" if unit == "bits" else "")
        return (
            f"network does not fit chip {self.chip.name}: one neuron of {population.name} needs {needed} {unit} "
            f"of {name}, a core has {limit} ({needed - limit} too many); "
            f"the nearest change that fits: {field} of {needed}"
        )

    def best(self, population: Population, cap: int) -> list[np.ndarray]:
        """The better of the orders for one population."""
        tried = [self.cut(population, order, cap) for order in self.orders(population)]
        blocks, _ = min(tried, key=lambda t: (t[1], len(t[0])))
        # Equal parts finish together; a full core beside a nearly empty one makes every barrier wait for the full one.
        even = np.array_split(np.concatenate(blocks), len(blocks))
        return even if not any(self.broken(self.need(population, part)) for part in even) else blocks


def mapped_populations(network: Network) -> list[Population]:
    """Populations that live on cores, in update order; inputs enter at the host."""
    ordered = [network.populations[i] for i in network.update_order]
    return [p for p in ordered if p.model.kind != "input"]


def partition(network: Network, chip: Chip, layout: Layout) -> list[tuple[str, np.ndarray]]:
    """(population, neurons) of every block, in update order. Raises NeurosimError when cores do not suffice."""
    partitioner = Partitioner(network, chip, layout)
    blocks: list[tuple[str, np.ndarray]] = []
    for population in mapped_populations(network):
        blocks += [(population.name, b) for b in partitioner.best(population, chip.core.neurons)]
    return blocks


def spread(network: Network, chip: Chip) -> list[tuple[str, np.ndarray]]:
    """Blocks of even size that use at most the chip's cores and ignore every other limit, for capacity='report'."""
    populations = mapped_populations(network)
    total = sum(p.n_neurons for p in populations)
    if len(populations) > chip.n_cores:
        raise NeurosimError(
            f"network has {len(populations)} populations, chip {chip.name} has {chip.n_cores} cores; a core holds one "
            "population, so this cannot be spread even with --capacity report"
        )
    spare = chip.n_cores - len(populations)
    blocks: list[tuple[str, np.ndarray]] = []
    for p in populations:
        parts = min(p.n_neurons, 1 + spare * p.n_neurons // total)
        blocks += [(p.name, part) for part in np.array_split(np.arange(p.n_neurons, dtype=np.int32), parts)]
    return blocks
