"""A footprint as a terminal shows it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from neurosim import units
from neurosim.mapping.footprint import KINDS, Footprint
from neurosim.mapping.model_size import STATE, model_bits
from neurosim.mapping.where import CANNOT, FITS, Trial
from neurosim.report.text import new_table

MOST_CORES = 12


def footprint_text(f: Footprint, tried: list[Trial]) -> RenderableType:
    """The whole report: the model alone, the chip's memories, layers, fullest cores, and where else it fits."""
    parts: list[RenderableType] = [_headline(f), Text(), _memories(f), Text()]
    parts += [_kinds(f, "layer", "Stored, by layer"), Text()]
    cores = f.table("core")
    if len(cores) > 1:
        rest = f"Stored, by core: the {MOST_CORES} fullest of {len(cores)}"
        parts += [_kinds(f, "core", "Stored, by core" if len(cores) <= MOST_CORES else rest), Text()]
    parts += [Text(f"does not fit: {line}", style="yellow") for line in f.fit.get("overflows", [])]
    if tried:
        parts += [*_here(f, tried), where_table(tried), *_reasons(tried)]
    return Group(*parts)


def _headline(f: Footprint) -> Text:
    parameters, state = model_bits(f.model), model_bits(f.model, STATE)
    lines = [
        f"{f.network.name} on {f.chip.name}: {units.bits(f.total_bits)} stored",
        f"the model alone  {parameters / 8e6:.4g} MB of parameters (10^6 bytes, each stored once, no waste), "
        f"{state / 8e6:.4g} MB of neuron state",
    ]
    padding = sum(row.get("padding", 0) for row in f.table("memory").values())
    lines.append(f"waste            {units.bits(padding)} of words that are not filled")
    other = {name: used for name, used in f.layouts.items() if used != ("by_kind",)}
    if other:
        lines.append("layouts          " + ", ".join(f"{name}: {'/'.join(used)}" for name, used in other.items()))
    return Text("\n".join(lines))


def _memories(f: Footprint) -> Table:
    columns = (("memory", "left"), ("used", "right"), ("of it waste", "right"), ("provisioned", "right"))
    table = new_table("Memories of the whole chip", *columns, ("used", "right"), ("fullest core", "right"))
    by_kind = f.table("memory")
    for name, sizes in f.by_memory.items():
        used, offered = sizes["used_bits"], sizes["provisioned_bits"]
        core, fullest = f.provisioned.get(name), f.fit["fullest_core_bits"].get(name, 0)
        cells = ("no limit given", "", "")
        if offered:
            cells = (units.bits(offered), units.percent(used / offered), units.percent(fullest / core) if core else "")
        waste = by_kind[name].get("padding", 0)
        table.add_row(name.replace("_", " "), units.bits(used), units.bits(waste) if waste else "", *cells)
    table.add_row("total", units.bits(f.total_bits), style="bold")
    return table


def _kinds(f: Footprint, field: str, title: str) -> Table:
    rows = f.table(field)
    if field == "core":
        fullest = sorted(rows, key=lambda core: (-sum(rows[core].values()), core))[:MOST_CORES]
        rows = {core: rows[core] for core in sorted(fullest)}
    used = [kind for kind in KINDS if any(kind in row for row in rows.values())]
    table = new_table(title, (field, "left"), *[(kind, "right") for kind in used], ("total", "right"))
    for name, row in rows.items():
        label = "routers" if field == "core" and name == -1 else str(name)
        cells = [units.bits(row[kind]) if kind in row else "" for kind in used]
        table.add_row(label, *cells, units.bits(sum(row.values())))
    return table


def _here(f: Footprint, tried: list[Trial]) -> list[RenderableType]:
    """Layouts and widths on the chip itself: what its synaptic memories would hold."""
    here = [t for t in tried if t.chip == f.chip.name and t.synaptic_bits]
    if len(here) < 2:
        return []
    columns = (("weights as", "left"), ("cores", "right"), ("synaptic memory", "right"), ("of it waste", "right"))
    table = new_table(f"Layouts and widths on {f.chip.name}", *columns)
    for trial in here:
        bits, waste = sum(trial.synaptic_bits.values()), trial.synaptic_bits.get("padding", 0)
        label = column_of(trial).replace("_", " ")
        table.add_row(label, _cell(trial), units.bits(bits), units.percent(waste / bits) if bits else "")
    return [table, Text()]


def where_table(tried: list[Trial]) -> Table:
    """Chips down, layouts and widths across; a cell says how many cores hold the network there."""
    columns = list(dict.fromkeys(column_of(t) for t in tried))
    columns.sort(key=lambda c: (c.endswith("bit"), c != "by_kind", -int(c.split()[0]) if c.endswith("bit") else 0))
    heads = [(c.replace("_", " "), "right") for c in columns]
    table = new_table(
        "Where it fits: cores that hold it",
        ("chip", "left"),
        ("cores", "right"),
        *heads,
    )
    for chip in dict.fromkeys(t.chip for t in tried):
        cells = {column_of(t): t for t in tried if t.chip == chip}
        limit = next(iter(cells.values())).core_limit
        table.add_row(chip, str(limit), *[_cell(cells.get(c)) for c in columns])
    table.caption = (
        "by kind to best: how rows of weights are written, at the network's own widths; bits: by kind, with weights no "
        "wider than that, which is another network: train it there. no, 21: would need 21 cores; -: cannot compute it."
    )
    table.caption_justify = "left"
    return table


def column_of(trial: Trial) -> str:
    """A layout, or a width such as ``4 bit``."""
    return trial.layout if trial.weight_bits is None else f"{trial.weight_bits} bit"


def _cell(trial: Trial | None) -> str:
    if trial is None:
        return ""
    if trial.verdict == FITS:
        return str(trial.cores)
    return "-" if trial.verdict == CANNOT else "no" if trial.cores is None else f"no, {trial.cores}"


def _reasons(tried: list[Trial]) -> list[Text]:
    """The first reason of each chip that does not hold the network as it is."""
    first = {}
    for trial in tried:
        first.setdefault(trial.chip, trial)
    return [
        Text(f"{name}: {trial.verdict}; {trial.reason}", style="yellow")
        for name, trial in first.items()
        if trial.verdict != FITS
    ]
