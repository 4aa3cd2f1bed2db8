"""A network on a layer chip: refusals, the cut into tiles, and the footprint of every buffer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.arch.layer import LayerChip
from neurosim.errors import NeurosimError
from neurosim.mapping.fit import overflow_text
from neurosim.mapping.layer_engines import history_planes, history_sum_bits, partial_bits, reusable, reuse_projections
from neurosim.mapping.layer_sums import sum_bits_needed
from neurosim.mapping.layer_tiles import Cutter, WeightTile
from neurosim.mapping.limits import membrane_bits
from neurosim.mapping.mapping import MemoryUse, Overflow
from neurosim.mapping.support import check_support
from neurosim.snn.network import Network

MEMORIES = ("synaptic_memory", "weight_buffer", "spike_buffer", "partial_sum_buffer", "membrane_memory")

PARTIAL_MAPS = "partial_map_buffer"
SUM_BITS = "partial_sum_buffer.sum_bits"


@dataclass(frozen=True, eq=False)
class LayerMapping:
    """The result of `map_layers`.

    order : positions of the layers' populations, as they run; weight_tiles : those of each layer, in order;
    window, batch : timesteps of a full window, and of it those that share one load of a weight tile;
    reuse : layers whose codewords are reused; history : by layer, the timesteps that its membrane is worked out from,
    0 where it is stored; memory, provisioned_bits, overflows : as in `Mapping`, on core 0.
    """

    order: tuple[int, ...]
    weight_tiles: tuple[tuple[WeightTile, ...], ...]
    timesteps: int
    window: int
    batch: int
    reuse: frozenset[str]
    history: tuple[int, ...]
    memory: tuple[MemoryUse, ...]
    provisioned_bits: dict[str, int | None]
    overflows: tuple[Overflow, ...]


def map_layers(
    network: Network,
    chip: LayerChip,
    timesteps: int,
    *,
    capacity: str = "refuse",
    reuse: frozenset[str] | None = None,
) -> LayerMapping:
    """Cut ``network`` for a run of ``timesteps``. ``capacity`` is ``refuse`` or ``report`` (list what does not fit).

    ``reuse`` names the layers whose codewords are reused, of those that can be; None: all of them unless the chip
    decodes (`neurosim.energy.codebook` chooses for a chip with ``codebook: auto``, where there are spikes to count).
    Raises NeurosimError for recurrent or delayed projections, for arithmetic that the chip lacks, and for what does
    not fit when ``capacity`` is ``refuse``.
    """
    if capacity not in ("refuse", "report"):
        raise NeurosimError(f"capacity: got {capacity!r}, expected 'refuse' or 'report'")
    check_feed_forward(network, chip)
    check_support(network, chip)
    order = tuple(i for i in network.update_order if network.populations[i].model.kind != "input")
    if reuse is None:
        reuse = frozenset() if chip.core.codebook == "decode" else reusable(network)
    cutter = Cutter(network, chip, reuse)
    cut = tuple(tuple(cutter.cut(network.populations[i])) for i in order)
    core = chip.core
    window, batch = core.window(timesteps), core.batch(timesteps)
    from_history = core.membranes == "from_history"
    history = tuple(history_planes(network, network.populations[i], timesteps)[0] if from_history else 0 for i in order)
    memory = (
        *_weights(network, chip, cut),
        *_spikes(network, order, window, history),
        *_sums(network, chip, order, cut, batch),
        *_partial_maps(network, reuse, max(batch, *history, 0)),
        *_state(network, chip, order, timesteps > batch, history),
    )
    provisioned = {name: getattr(core, name).capacity_bits for name in memories(chip)}
    overflows = (*_overflows(memory, provisioned), *_narrow_sums(network, chip, order, history))
    if overflows and capacity == "refuse":
        raise NeurosimError(_refusal(network, chip, overflows, window, batch))
    return LayerMapping(order, cut, timesteps, window, batch, reuse, history, memory, provisioned, overflows)


def memories(chip: LayerChip) -> tuple[str, ...]:
    """Names of the memories that the chip has."""
    return MEMORIES if chip.core.partial_map_buffer is None else (*MEMORIES, PARTIAL_MAPS)


def check_feed_forward(network: Network, chip: LayerChip) -> None:
    """Raises NeurosimError for the first projection that needs a later layer's spikes, or an earlier timestep's."""
    for p in network.projections:
        if _reaches(network, p.target, p.source):
            raise NeurosimError(
                f"projection {p.name}: recurrent, which chip {chip.name} with execution 'layer' cannot run: a layer is "
                "done with all timesteps of a window before the layers after it have spiked; choose a chip with "
                "execution 'barrier' such as edge-28nm"
            )
        if p.delay:
            raise NeurosimError(
                f"projection {p.name}.delay: got {p.delay} timesteps; chip {chip.name} with execution 'layer' hands a "
                "window of spikes on as a whole and keeps none of an earlier window; use delay 0 or a chip with "
                "execution 'barrier' such as edge-28nm"
            )


def _reaches(network: Network, start: str, end: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        if here == end:
            return True
        onward = {p.target for p in network.projections if p.source == here} - seen
        seen |= onward
        waiting += sorted(onward)
    return False


def spikes_read(network: Network, name: str) -> bool:
    """Whether anything reads the spikes of a population: a projection, or the host's readout."""
    r = network.readout
    answer = r is not None and r.kind != "membrane" and r.population == name
    return answer or any(p.source == name for p in network.projections)


def _weights(network: Network, chip: LayerChip, cut: tuple) -> list[MemoryUse]:
    bits: dict[tuple[str, int], int] = {}
    largest, part = 0, ""
    halves = 2 if chip.core.weight_buffer.load == "hidden" else 1
    for weight_tile in (w for layer in cut for w in layer):
        for i, contents in weight_tile.stored.items():
            for content, n in contents.items():
                bits[content, i] = bits.get((content, i), 0) + n
        words = sum(weight_tile.fill_words.values())
        if words > largest:
            largest, part = words, network.projections[max(weight_tile.fill_words, key=weight_tile.fill_words.get)].name
    lines = [MemoryUse(0, "synaptic_memory", c, network.projections[i].name, n) for (c, i), n in bits.items() if n]
    filled = largest * chip.core.weight_buffer.word_bits * halves
    return [*lines, MemoryUse(0, "weight_buffer", "largest weight tile", part, filled)] if filled else lines


def _spikes(network: Network, order: tuple[int, ...], window: int, history: tuple[int, ...]) -> list[MemoryUse]:
    """Spikes that are in the buffer at once, at the layer where they are most; histories are there all the time."""
    names = [p.name for p in network.populations]
    last_use = {
        name: max((k for k, i in enumerate(order) if _feeds(network, name, names[i])), default=-1) for name in names
    }
    made = {names[i]: k for k, i in enumerate(order)}
    answer = network.readout.population if network.readout and network.readout.kind != "membrane" else None
    kept = {
        name: max((h for h, i in zip(history, order, strict=True) if _feeds(network, name, names[i])), default=0)
        for name in names
    }
    best: list[MemoryUse] = []
    for k in range(max(len(order), 1)):
        live = [
            name
            for name in names
            if kept[name]
            or (
                spikes_read(network, name)
                and made.get(name, -1) <= k
                and (last_use[name] >= k or made.get(name) == k or name == answer)
            )
        ]
        sizes = [network.population(n).n_neurons * max(window, kept[n]) * network.value_bits(n) for n in live]
        if sum(sizes) > sum(line.used_bits for line in best):
            best = [MemoryUse(0, "spike_buffer", "spikes", n, s) for n, s in zip(live, sizes, strict=True)]
    return best


def _feeds(network: Network, source: str, target: str) -> bool:
    return any(p.source == source and p.target == target for p in network.projections)


def _sums(network: Network, chip: LayerChip, order, cut, batch: int) -> list[MemoryUse]:
    """The widest tile's sums; two of them where an update runs behind the next tile."""
    core = chip.core
    banks = 2 if core.update.when == "hidden" else 1
    widest = [max(t.neurons.size for w in layer for t in w.tiles) for layer in cut]
    if not widest:
        return []
    k = int(np.argmax(widest))
    bits = widest[k] * batch * core.partial_sum_buffer.sum_bits * banks
    return [MemoryUse(0, "partial_sum_buffer", "sums", network.populations[order[k]].name, bits)]


def _partial_maps(network: Network, reuse: frozenset[str], batch: int) -> list[MemoryUse]:
    """Partial sums of all codewords and input channels at one output pixel, of the layer that has most of them."""
    best: list[MemoryUse] = []
    for population in network.populations:
        if population.name not in reuse:
            continue
        lines = []
        for i in reuse_projections(network, population):
            p = network.projections[i]
            entries = p.connectivity.weights.shape[1] * len(p.codec.table) * batch
            lines.append(
                MemoryUse(0, PARTIAL_MAPS, "partial sums of codewords", p.name, entries * partial_bits(p.codec))
            )
        if sum(line.used_bits for line in lines) > sum(line.used_bits for line in best):
            best = lines
    return best


def _state(network: Network, chip: LayerChip, order, kept: bool, history: tuple[int, ...]) -> list[MemoryUse]:
    """Parameters always; state where it must wait for another window, or for the host at the end."""
    lines = []
    for i, planes in zip(order, history, strict=True):
        population = network.populations[i]
        states = {s.name for s in population.model.states}
        read = network.readout is not None and network.readout.kind == "membrane"
        asked = {"membrane"} if read and network.readout.population == population.name else set()
        contents = membrane_bits(population, np.arange(population.n_neurons), chip)
        for content, bits in contents.items():
            if bits and (content not in states or (kept and not planes) or content in asked):
                lines.append(MemoryUse(0, "membrane_memory", content, population.name, bits))
    return lines


def _overflows(memory: tuple[MemoryUse, ...], provisioned: dict[str, int | None]) -> tuple[Overflow, ...]:
    used = dict.fromkeys(provisioned, 0)
    for line in memory:
        used[line.memory] += line.used_bits
    return tuple(Overflow(0, m, "bits", n, provisioned[m]) for m, n in used.items() if n > provisioned[m])


def _narrow_sums(network: Network, chip: LayerChip, order, history: tuple[int, ...]) -> tuple[Overflow, ...]:
    """The widest sum, if it is wider than the buffer's."""
    names = [network.populations[i].name for i in order]
    needed = max(
        (
            history_sum_bits(network, name, h) if h else sum_bits_needed(network, name)
            for name, h in zip(names, history, strict=True)
        ),
        default=0,
    )
    limit = chip.core.partial_sum_buffer.sum_bits
    return (Overflow(0, SUM_BITS, "bits", needed, limit),) if needed > limit else ()


def _refusal(network: Network, chip: LayerChip, overflows, window: int, batch: int) -> str:
    """One line for each broken limit, with the window that would fit where a shorter one would."""
    lines = [f"network {network.name} does not fit chip {chip.name}:"]
    for o in overflows:
        steps = {"spike_buffer": window, "partial_sum_buffer": batch}.get(o.memory)
        fits = 0 if steps is None else steps * o.limit // o.needed
        if o.memory == SUM_BITS:
            move = f"give core.{SUM_BITS} {o.needed}, because sums are exact and no sum may be cut"
        elif steps is None:
            move = f"give core.{o.memory}.capacity_bits {o.needed} or use narrower weights or membranes"
        elif fits:
            move = f"set core.time_window to at most {fits} (now {steps} timesteps) or give the buffer {o.needed} bits"
        else:
            move = f"give core.{o.memory}.capacity_bits {o.needed}; even one timestep does not fit"
        lines.append(f"{overflow_text(o, f'chip {chip.name}')}; {move}")
    return " ".join([lines[0], "; ".join(lines[1:])]) + "; --capacity report runs it all the same"
