"""A chip as a person reads it: structure, memories, timing, and every price and leakage with its source."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from math import fsum
from typing import TYPE_CHECKING

from neurosim.arch.describe_event import event_facts, operations_table
from neurosim.arch.describe_layer import buffers_table, layer_facts, layer_timing_table
from neurosim.arch.describe_phases import phase_facts, phases_table, quantities_table
from neurosim.arch.describe_standing import standing_parts
from neurosim.arch.event import EventChip
from neurosim.arch.layer import LayerChip
from neurosim.arch.phases import PhaseChip
from neurosim.arch.schema import Chip
from neurosim.arch.technology.resolve import ResolvedPrice, resolve_leakage, resolve_prices

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

_INCLUDED = "included in "
_SAID = {
    "odd_int": "odd grid", "ternary": "ternary", "binary": "binary", "codebook": "codebook",
    "float32": "float32",
}  # fmt: skip
_MODES = {
    "decay_input": "decayed input", "reset_delay": "delayed reset", "refractory": "refractory period",
    "synaptic_current": "synaptic current", "membrane_floor": "membrane floor", "multi_spike": "several spikes a step",
    "ternary_spikes": "spikes of +1 and -1",
}  # fmt: skip


def describe(chip: Chip | EventChip | LayerChip | PhaseChip) -> Group:
    """Everything the chip file says, resolved to numbers, as a rich renderable that folds to the console's width.

    Raises NeurosimError when a price or a leakage cannot be resolved.
    """
    from rich.console import Group
    from rich.text import Text

    makers = {EventChip: _event_parts, LayerChip: _layer_parts, PhaseChip: _phase_parts}
    own = makers.get(type(chip), _timestep_parts)(chip)
    parts: list[RenderableType | None] = [
        Text(f"{chip.name}: {chip.title}", style="bold"),
        Text(" ".join(chip.description.split())),
        *own,
        _facts("Taken from", chip.origins.items()),
        _facts("Assumptions", chip.assumptions.items()),
        _facts("Sources", chip.sources.items()),
    ]
    spaced = [piece for part in parts if part is not None for piece in (part, Text(""))]
    return Group(*spaced[:-1])


def _timestep_parts(chip: Chip) -> list[RenderableType | None]:
    return [
        _facts("Structure", _structure(chip)), _facts("Arithmetic", _arithmetic(chip)), _memories(chip),
        _timing(chip), *_energy(chip),
    ]  # fmt: skip


def _energy(chip: Chip) -> list[RenderableType | None]:
    if chip.without_energy is not None:
        return [_facts("Energy", [("none", " ".join(chip.without_energy.split()))])]
    return [_prices(chip), _leakage(chip), *standing_parts(chip, _table)]


def _phase_parts(chip: PhaseChip) -> list[RenderableType | None]:
    columns = (("quantity", "left"), ("kind", "left"), ("from", "right"), ("to", "right"), ("meaning", "left"))
    quantities = quantities_table(chip, _table("What a step is described by", *columns))
    phases = _table("Phases of a step, in order", ("phase", "left"), ("cycles", "left"), ("what it does", "left"))
    return [_facts("Structure", phase_facts(chip)), quantities, phases_table(chip, phases)]


def _event_parts(chip: EventChip) -> list[RenderableType | None]:
    columns = (("operation", "left"), ("enters", "left"), ("does", "left"), ("over", "left"), ("cycles", "right"))
    operations = operations_table(chip, _table("Operations, N active neurons, no stalls", *columns))
    return [_facts("Structure", event_facts(chip)), operations]


def _layer_parts(chip: LayerChip) -> list[RenderableType | None]:
    memories = (("memory", "left"), ("size", "right"), ("word", "right"), ("banks", "right"), ("read", "right"))
    phases = (("what", "left"), ("quanta", "right"), ("of", "left"))
    return [
        _facts("Structure", layer_facts(chip)), _facts("Arithmetic", _arithmetic(chip)),
        buffers_table(chip, _table("Memories", *memories, ("notes", "left"))),
        layer_timing_table(chip, _table("Timing", *phases)), _prices(chip), _leakage(chip),
        *standing_parts(chip, _table),
    ]  # fmt: skip


def _count(n: int) -> str:
    return f"{n:,}"


def _table(title: str, *columns: tuple[str, str]) -> Table:
    from rich.table import Table

    table = Table(
        title=title, title_justify="left", title_style="bold cyan", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for name, justify in columns:
        # Only a column of prose, always the last, gives way when the console is narrow.
        prose = name == columns[-1][0]
        table.add_column(name, justify=justify, header_style="dim", no_wrap=not prose, overflow="fold")
    return table


def _facts(title: str, rows: Iterable[tuple[str, str]]) -> Table | None:
    """Two columns, name and value, without a header; None for no rows."""
    rows = list(rows)
    if not rows:
        return None
    table = _table(title, ("", "left"), ("", "left"))
    table.show_header = False
    table.columns[0].style = "dim"
    table.columns[0].no_wrap = False
    table.columns[0].max_width = 36
    for name, value in rows:
        table.add_row(name, value)
    return table


def _structure(chip: Chip) -> Iterable[tuple[str, str]]:
    mesh, core, t = chip.mesh, chip.core, chip.technology
    cores = f"{mesh.cores_per_tile} core{'s' * (mesh.cores_per_tile > 1)} a tile"
    yield "mesh", f"{mesh.title()} ({mesh.topology}), {cores}, {chip.n_cores} cores"
    axons = ", ".join(
        f"{'any number of' if n is None else _count(n)} axons {way}"
        for way, n in (("in", core.axons_in), ("out", core.axons_out))
    )
    neurons = f"{_count(core.neurons)} neurons a core, {_count(core.neurons * chip.n_cores)} in all"
    yield "neurons", f"{neurons}; {axons} a core"
    # Device type and objective pick rows of the SRAM table; a chip of published constants never opens it.
    derived = any(spec.derive for spec in [*chip.energy.values(), *chip.leakage])
    memories = f", {t.device} devices, memories optimised for {t.objective}" if derived and t else ""
    yield "technology", "none stated" if t is None else f"{t.node_nm:g} nm, {t.voltage_v:g} V{memories}"
    kind = "synchronous" if chip.clock.synchronous else "asynchronous"
    yield "clock", f"{kind}, quantum {_ns(chip, 1)}"
    walk = "every neuron" if core.update_policy == "all" else "touched neurons only"
    yield "execution", f"{core.execution} a timestep, delivery in the {chip.delivery.replace('_', ' ')}, updates {walk}"
    if core.synapse.accumulates == "in_update":
        yield "synapse unit", "marks the axon of each packet; the update unit reads the weights"
    else:
        lookup = ", look-up beside the work before it" if core.synapse.overlap_lookup else ""
        lanes = f"{core.synapse.lanes} lane{'s' * (core.synapse.lanes > 1)}"
        yield "synapse unit", f"{lanes}, {core.synapse.overlap}{lookup}"
    walked = ", walks neurons that hold nothing too" if core.update.scan and core.update.scan.every_neuron else ""
    in_turn = "" if core.egress.overlap_update else ", waits until its spikes are sent"
    yield "update unit", f"{core.update.lanes} lane{'s' * (core.update.lanes > 1)}{walked}{in_turn}"
    if core.products is not None:
        each = f"{core.products.popcount_cycles} quanta a pair of words"
        yield "product unit", f"spikes by spikes: AND-popcount at {each}, masked sums; operands in membrane memory"
    yield "queues", f"{core.ingress_depth} packets into a core, {core.egress_depth} out of it"
    r = chip.router
    channels = f"{r.virtual_channels} virtual channel{'s' * (r.virtual_channels > 1)}"
    flits = f"{r.flits_per_packet} flit{'s' * (r.flits_per_packet > 1)} of {r.packet_bits} b a packet"
    first = {"mesh": "X first", "torus": "X first, shorter way round", "tree": "up, then down", "bus": "one bus"}
    r_way = f"{first[mesh.topology]}, {r.delivery}"
    yield "router", f"{r_way}, {channels} of {r.queue_depth_flits} flits, {flits}"
    if r.priority is not None:
        orders = "; ".join(f"to {out} {', '.join(sides)}" for out, sides in r.priority if sides)
        yield "arbitration", f"fixed priority of the sides packets come from: {orders}"
    if r.address == "relative":
        x, y = 1 << (r.dx_bits - 1), 1 << (r.dy_bits - 1)
        reach = f"dx {-x} to {x - 1} in {r.dx_bits} b, dy {-y} to {y - 1} in {r.dy_bits} b"
        yield "address", f"relative, {r.address_bits} b of each packet: {reach}"
    x, y = chip.io.tile
    payload = f", payload of {chip.io.payload_bits} b" if chip.io.payload_bits else ""
    yield "host port", f"tile ({x}, {y}){payload}"


def _arithmetic(chip: Chip) -> Iterable[tuple[str, str]]:
    a = chip.arithmetic
    weights = [f"integers of {a.int_bits[0]} to {a.int_bits[1]} b"] if a.int_bits else []
    weights += [said for field, said in _SAID.items() if getattr(a, field)]
    yield "weights", ", ".join(weights) or "none"
    yield "membrane", f"up to {a.membrane_bits_max} b, overflow {' or '.join(a.overflows)}"
    yield "neuron", f"leak {', '.join(a.leaks)}; reset {', '.join(a.resets)}; threshold {' or '.join(a.compares)}"
    modes = [said for field, said in _MODES.items() if getattr(a, field)]
    yield "also", ", ".join([*modes, f"delays up to {a.delay_max} timesteps"])
    yield "graded spikes", f"{a.spike_payload_bits} b" if a.spike_payload_bits else "no"
    if chip.front_end is not None:
        e = chip.front_end
        yield "encoder", f"{e.channels} channels of {e.states} numbers of {e.width_bits} b, in front of the port"


def _memories(chip: Chip) -> Table:
    table = _table(
        "Memories of one core", ("memory", "left"), ("size", "right"), ("word", "right"), ("banks", "right"),
        ("read", "right"), ("notes", "left"),
    )  # fmt: skip
    for name in ("synaptic_memory", "membrane_memory", "axon_table", "routing_table"):
        memory = getattr(chip.core, name)
        size = "no limit" if memory.capacity_bits is None else f"{memory.capacity_bits / 8192:,.4g} KiB"
        notes = []
        if name == "synaptic_memory":
            notes.append("kernels shared" if memory.shared_kernels else "kernels unrolled")
            if memory.index_bits:
                notes.append(f"indices of {memory.index_bits} b")
            if memory.layout != "by_kind":
                notes.append(f"layout {memory.layout}")
        if name == "membrane_memory" and memory.accumulator_bits:
            notes.append(f"input accumulator of {memory.accumulator_bits} b a neuron")
        if getattr(memory, "ports", 1) > 1:
            notes.append(f"{memory.ports} ports a bank")
        if getattr(memory, "bank_conflicts", False):
            notes.append("conflicts by address")
        if getattr(memory, "shared_port", False):
            notes.append("one port for updates and packets")
        if getattr(memory, "write_cycles", 1) != 1:
            notes.append(f"write {_ns(chip, memory.write_cycles)}")
        banks = str(getattr(memory, "banks", 1))
        table.add_row(name, size, f"{memory.word_bits} b", banks, _ns(chip, memory.read_cycles), ", ".join(notes))
    return table


def _ns(chip: Chip, quanta: int) -> str:
    return f"{quanta * chip.clock.quantum_ps / 1000:,.4g} ns"


def _timing(chip: Chip) -> Table:
    table = _table("Timing", ("what", "left"), ("quanta", "right"), ("time", "right"), ("of", "left"))
    unit, update, router = chip.core.synapse, chip.core.update, chip.router
    rows = [("axon lookup", unit.axon_lookup_cycles, "one packet into a core")]
    if unit.fill_cycles:
        rows += [("pipeline fill", unit.fill_cycles, "from the end of a packet's work to its last result")]
    group = f"one group of {unit.lanes} synaptic events" if unit.lanes > 1 else "one synaptic event"
    if unit.accumulates == "on_arrival":
        rows += [(f"accumulate, {kind}", n, group) for kind, n in unit.cycles_per_group]
        rows += [("multiply-accumulate", unit.mac_cycles_per_group, group.replace("synaptic", "graded"))]
        rows += [("pool, copy, residual", unit.pool_cycles_per_group, group.replace("synaptic event", "contribution"))]
    visit = f"one group of {update.lanes} neurons" if update.lanes > 1 else "one neuron"
    walk = visit
    if update.scan is not None:
        rows += [("update, once", update.scan.fixed_cycles, "before the first neuron of a step")]
        walk = f"{visit}, {update.scan.axon_cycles} for each axon in it"
    rows += [("neuron access", chip.core.access_cycles, walk)]
    rows += [("neuron active", update.active_cycles, "added for each active one")]
    rows += [("neuron spike", update.spike_cycles, "added for each spike")]
    rows += [("packet out", chip.core.egress.cycles_per_packet, "one packet made")]
    rows += [("injection", router.injection_cycles, "core into its router")]
    rows += _by_direction("hop", router.latency_cycles, "latency of one flit")
    rows += _by_direction("link", router.interval_cycles, "least time between two flits")
    credits = "until a freed queue slot is known at the sender"
    rows += _by_direction("credit", router.credit_cycles, credits)
    rows += [("host input", chip.io.input_interval_cycles, "least time between two input packets")]
    between = "from here to the next entry" if chip.barrier.rule == "step" else "straight lines between entries"
    for tiles, quanta in sorted((chip.barrier.cycles or {}).items()):
        rows.append((f"barrier, {tiles} tile{'s' * (tiles > 1)}", quanta, between))
    if chip.barrier.kind == "messages":
        root = "the host" if chip.barrier.root == "host" else "tile ({}, {})".format(*chip.barrier.root)
        if chip.barrier.combine:
            rows.append(
                ("barrier, combining", chip.barrier.combine_cycles, f"added by each router on the way to {root}")
            )
        rows.append(("barrier, root", chip.barrier.root_cycles, f"from the last message at {root} to the release"))
    for what, quanta, of in rows:
        table.add_row(what, _count(quanta), _ns(chip, quanta), of)
    return table


def _by_direction(name: str, values: Iterable[tuple[str, int]], of: str) -> list[tuple[str, int, str]]:
    """One row for every value, with the directions that share it."""
    groups: dict[int, list[str]] = {}
    for direction, quanta in values:
        groups.setdefault(quanta, []).append(direction)
    return [(f"{name} {', '.join(where)}", quanta, of) for quanta, where in groups.items()]


def _prices(chip: Chip) -> Table:
    """One row for neighbouring actions of one component that share price and source."""
    table = _table(
        "Energy of one action", ("action", "left"), ("component", "left"), ("pJ", "right"), ("source", "left")
    )
    rows = [(p.action, (p.component, _pj(p), _source(chip, p))) for p in resolve_prices(chip).values()]
    for (component, pj, source), group in groupby(rows, key=lambda row: row[1]):
        actions = "\n".join(action for action, _ in group)
        table.add_row(actions, component, pj, source, style="dim" if pj == "-" else None)
    return table


def _pj(price: ResolvedPrice) -> str:
    if price.source.startswith(_INCLUDED):
        return "-"
    if price.low_pj is None and price.high_pj is None:
        return f"{price.pj:.4g}"
    low, high = (price.pj if p is None else p for p in (price.low_pj, price.high_pj))
    return f"{price.pj:.4g} ({low:.4g} to {high:.4g})"


def _source(chip: Chip, price: ResolvedPrice) -> str:
    """A key of the sources below with its note, or the terms of a derived price, one a line."""
    spec = chip.energy[price.action]
    if spec.derive is not None:
        return _terms(price.source)
    if spec.included_in is not None:
        # "included in nothing (why)" is how a chip file says that an action cannot occur or has no known price.
        why = spec.included_in.removeprefix("nothing (")
        return price.source if why == spec.included_in else why.removesuffix(")")
    return f"{spec.source}; {spec.note}" if spec.note else spec.source


def _terms(source: str) -> str:
    return source.replace(" + ", "\n+ ")


def _leakage(chip: Chip) -> Table:
    table = _table(
        "Leakage, drawn for the whole simulated time", ("component", "left"), ("mW each", "right"),
        ("instances", "right"), ("mW in all", "right"), ("source", "left"),
    )  # fmt: skip
    parts = resolve_leakage(chip)
    for x, spec in zip(parts, chip.leakage, strict=True):
        each, total = f"{x.power_mw:.4g}", f"{x.power_mw * x.instances:.4g}"
        table.add_row(x.component, each, _count(x.instances), total, spec.source or _terms(x.source))
    if len(parts) > 1:
        table.add_row("total", "", "", f"{fsum(x.power_mw * x.instances for x in parts):.4g}", "", style="bold")
    return table
