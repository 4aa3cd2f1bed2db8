"""Cutting populations into blocks that fit a core. One population a core; blocks are runs of a chosen neuron order.

For targets of a convolution two orders are tried, channel by channel and pixel by pixel (row-major), for those of a
masked sum channel by channel and head by head. The one with fewer routes into its blocks wins (ties: fewer blocks, then
channel by channel). Block sizes are found by bisection.

How many routes leave a block depends on how its targets are cut, so targets are cut before their sources. In a loop
that cannot be: the cut is repeated with the routes that the last one found until every block fits with its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.layout import Feed, Layout
from neurosim.mapping.limits import Need, core_limits, stored_membranes
from neurosim.mapping.mapping import Overflow
from neurosim.mapping.products import head_order, is_product, operand_bits
from neurosim.mapping.routes import host_routed
from neurosim.snn.network import Network, Population

_MAX_PASSES = 8


class CoreTooSmall(Exception):
    """One neuron alone needs more than a core has. For `map_network`, which turns it into a refusal or a report."""

    def __init__(self, population: str, memory: str, needed: int, limit: int) -> None:
        super().__init__(f"one neuron of {population}: {memory} needs {needed}, a core has {limit}")
        unit = "bits" if memory.endswith(("memory", "table")) else memory
        self.population = population
        self.overflow = Overflow(-1, memory, unit, needed, limit)


@dataclass(frozen=True, eq=False)
class Part:
    """A block before it has a core: its neurons (n,) int32 in slot order and its feeds by projection position."""

    population: str
    neurons: np.ndarray
    feeds: list[tuple[int, Feed]]


def incoming(network: Network, name: str) -> list[int]:
    """Positions of the projections into a population."""
    return [i for i, p in enumerate(network.projections) if p.target == name]


class Partitioner:
    """Fits runs of neurons onto cores."""

    def __init__(self, network: Network, chip: Chip, layout: Layout) -> None:
        self.network = network
        self.chip = chip
        self.layout = layout
        self.limits = core_limits(chip)
        # Blocks of each target population that every neuron of a source population reaches, by (source, target).
        self.reached: dict[tuple[str, str], np.ndarray] = {}

    def need(self, population: Population, neurons: np.ndarray, routes_out: int) -> Need:
        """What a block of these neurons asks of its core, if ``routes_out`` routes leave it."""
        positions = incoming(self.network, population.name)
        sizes = [self.layout.size(i, neurons) for i in positions]
        entries = sum(n for n, _ in sizes)
        axons = entries
        if len({self.network.projections[i].source for i in positions}) < len(positions):
            axons = sum(s.size for s in self._axons([(i, self.layout.feed(i, neurons)) for i in positions]).values())
        return Need(
            neurons=len(neurons),
            synaptic_memory=sum(bits for _, bits in sizes),
            membrane_memory=sum(stored_membranes(population, neurons, self.chip).values())
            + self._operands(positions, neurons),
            axon_table=entries * self.chip.core.axon_table.word_bits,
            axons_in=axons,
            routing_table=routes_out * self.chip.core.routing_table.word_bits,
            axons_out=routes_out,
        )

    def _operands(self, positions: list[int], neurons: np.ndarray) -> int:
        """Bits of the operand rows of the products into a block."""
        projections = (self.network.projections[i] for i in positions)
        return sum(
            sum(operand_bits(self.network, self.chip, p, neurons).values()) for p in projections if is_product(p)
        )

    def _axons(self, feeds: list[tuple[int, Feed]]) -> dict[str, np.ndarray]:
        """Distinct sources of a block by source population: one axon however many projections share it."""
        by_source: dict[str, list[np.ndarray]] = {}
        for i, feed in feeds:
            by_source.setdefault(self.network.projections[i].source, []).append(feed.sources)
        return {name: group[0] if len(group) == 1 else np.unique(np.concatenate(group))
                for name, group in by_source.items()}  # fmt: skip

    def broken(self, need: Need) -> list[tuple[str, int, int]]:
        """Limits that a block breaks: (name, needed, limit)."""
        pairs = ((name, value, self.limits[name]) for name, value in vars(need).items())
        return [(name, value, limit) for name, value, limit in pairs if limit is not None and value > limit]

    def orders(self, population: Population) -> list[np.ndarray]:
        """Neuron orders to try: C order; for channels over pixels also pixel by pixel, for a masked sum by heads."""
        plain = np.arange(population.n_neurons, dtype=np.int32)
        by_head = head_order(self.network, population.name)
        if by_head is not None:
            return [plain, by_head]
        if len(population.shape) != 3 or population.shape[0] == 1 or plain.size == population.shape[0]:
            return [plain]
        return [plain, plain.reshape(population.shape).transpose(1, 2, 0).ravel().copy()]

    def routes_out(self, population: Population) -> np.ndarray:
        """Routes of each neuron as far as its targets are cut, (n,) int64; the host counts as one."""
        out = np.zeros(population.n_neurons, np.int64)
        for (source, _), counts in self.reached.items():
            if source == population.name:
                out += counts
        if host_routed(self.network) == population.name:
            out += 1
        return out

    def runs(self, population: Population, order: np.ndarray) -> Iterator[tuple[np.ndarray, Need]]:
        """The longest runs of this order that fit, one after another.

        Raises CoreTooSmall when a single neuron does not fit.
        """
        out_before = np.concatenate([[0], np.cumsum(self.routes_out(population)[order])])
        start = 0
        guess = self.chip.core.neurons
        while start < order.size:
            longest = min(self.chip.core.neurons, order.size - start)
            needs: dict[int, Need] = {}

            def fits(size: int, start: int = start, needs: dict[int, Need] = needs) -> bool:
                part = order[start : start + size]
                needs[size] = self.need(population, part, int(out_before[start + size] - out_before[start]))
                return not self.broken(needs[size])

            guess = _largest(fits, longest, min(guess, longest))
            if guess == 0:
                raise CoreTooSmall(population.name, *self.broken(needs[1])[0])
            yield order[start : start + guess], needs[guess]
            start += guess

    def cut(self, population: Population, order: np.ndarray, bound: int | None) -> tuple[list[np.ndarray], int] | None:
        """The blocks of this order and the routes (source, block) they need; None once those exceed ``bound``."""
        blocks: list[np.ndarray] = []
        routes = 0
        for neurons, need in self.runs(population, order):
            blocks.append(neurons)
            routes += need.axons_in
            if bound is not None and routes > bound:
                return None
        return blocks, routes

    def cheapest(self, population: Population) -> tuple[list[np.ndarray], int]:
        """The blocks of the order with fewer routes into them, and those routes."""
        orders = self.orders(population)
        # The order whose first block looks cheaper goes first, so that the other can be given up early.
        looks = [need.axons_in / part.size for part, need in (next(self.runs(population, order)) for order in orders)]
        found: dict[int, tuple[list[np.ndarray], int]] = {}
        for k in np.argsort(looks, kind="stable"):
            bound = min((routes for _, routes in found.values()), default=None)
            result = self.cut(population, orders[k], bound)
            if result is not None:
                found[int(k)] = result
        return min((found[k] for k in sorted(found)), key=lambda t: (t[1], len(t[0])))

    def best(self, population: Population) -> list[np.ndarray]:
        """The cheapest blocks, evened out where that fits too."""
        blocks, _ = self.cheapest(population)
        # Equal parts finish together; a full core beside a nearly empty one makes every barrier wait for the full one.
        even = np.array_split(np.concatenate(blocks), len(blocks))
        out = self.routes_out(population)
        if any(self.broken(self.need(population, part, int(out[part].sum()))) for part in even):
            return blocks
        return even

    def all_parts(self) -> list[Part]:
        """Every block of the network in update order."""
        ordered = mapped_populations(self.network)
        for _ in range(_MAX_PASSES):
            parts: dict[str, list[Part]] = {}
            for population in reversed(ordered):
                positions = incoming(self.network, population.name)
                parts[population.name] = [
                    Part(population.name, neurons, [(i, self.layout.feed(i, neurons)) for i in positions])
                    for neurons in self.best(population)
                ]
                self._note_reached(population, parts[population.name])
            if not any(self._too_many_routes(p, part.neurons) for p in ordered for part in parts[p.name]):
                break
        return [part for p in ordered for part in parts[p.name]]

    def _too_many_routes(self, population: Population, neurons: np.ndarray) -> bool:
        routes = int(self.routes_out(population)[neurons].sum())
        bits = routes * self.chip.core.routing_table.word_bits
        pairs = ((routes, self.limits["axons_out"]), (bits, self.limits["routing_table"]))
        return any(limit is not None and needed > limit for needed, limit in pairs)

    def _note_reached(self, population: Population, parts: list[Part]) -> None:
        for i in incoming(self.network, population.name):
            source = self.network.projections[i].source
            n = self.network.population(source).n_neurons
            self.reached[source, population.name] = np.zeros(n, np.int64)
        for part in parts:
            for source, sources in self._axons(part.feeds).items():
                self.reached[source, population.name][sources] += 1


def _largest(fits, longest: int, guess: int) -> int:
    """The largest size up to ``longest`` for which the monotone ``fits`` holds, 0 for none; blocks resemble the one
    before, so the search starts there."""
    good, bad = 0, longest + 1
    if fits(guess):
        good = guess
        if guess < longest and not fits(guess + 1):
            bad = guess + 1
    else:
        bad = guess
        if guess > 1:
            good, bad = (guess - 1, bad) if fits(guess - 1) else (good, guess - 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def mapped_populations(network: Network) -> list[Population]:
    """Populations that live on cores, in update order; inputs enter at the host."""
    ordered = [network.populations[i] for i in network.update_order]
    return [p for p in ordered if p.model.kind != "input"]


def partition(network: Network, chip: Chip, layout: Layout) -> list[Part]:
    """Every block, in update order; there may be more than the chip has cores.

    Raises CoreTooSmall when one neuron alone does not fit a core.
    """
    return Partitioner(network, chip, layout).all_parts()


def spread(network: Network, chip: Chip, layout: Layout) -> list[Part]:
    """Blocks of even size that use at most the chip's cores and ignore every other limit, for capacity='report'."""
    populations = mapped_populations(network)
    total = sum(p.n_neurons for p in populations)
    if len(populations) > chip.n_cores:
        raise NeurosimError(
            f"network has {len(populations)} populations, chip {chip.name} has {chip.n_cores} cores; a core holds one "
            "population, so this cannot be spread even with --capacity report"
        )
    spare = chip.n_cores - len(populations)
    parts: list[Part] = []
    for p in populations:
        n_parts = min(p.n_neurons, 1 + spare * p.n_neurons // total)
        for neurons in np.array_split(np.arange(p.n_neurons, dtype=np.int32), n_parts):
            feeds = [(i, layout.feed(i, neurons)) for i in incoming(network, p.name)]
            parts.append(Part(p.name, neurons, feeds))
    return parts
