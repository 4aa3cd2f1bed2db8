"""The report of a run as a terminal shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from neurosim import units
from neurosim.report.text_layer import layers_line, layers_table
from neurosim.result import WAIT_CAUSES, Result

_BAR = "█"


def _bar(share: float, width: int = 24) -> str:
    return _BAR * round(max(0.0, min(1.0, share)) * width)


def new_table(title: str, *columns: tuple[str, str]) -> Table:
    """An empty table in the house style; columns are (name, justification)."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, justify in columns:
        made.add_column(name, justify=justify, style=None, header_style="dim", overflow="fold")
    return made


def _headline(r: Result) -> Text:
    lines = [f"{r.workload} on {r.chip}: {r.samples} samples x {r.timesteps} timesteps, {r.engine} engine"]
    if r.accuracy is not None:
        low, high = r.accuracy_interval
        interval = f"95 % interval {100 * low:.1f} to {100 * high:.1f} %"
        lines.append(f"accuracy      {units.percent(r.accuracy)}  ({interval})")
    cycles = r.cycles_total / r.samples
    guess = " (estimate)" if r.timing_mode == "estimate" else ""
    latency = f"{units.time(r.latency_s)}{guess} a sample"
    lines.append(f"latency       {latency}  ({units.count(cycles)} cycles of {r.quantum_ps:g} ps)")
    energy = r.energy_pj / r.samples
    leakage = r.energy.total_pj(leakage=True) / r.samples
    band = _band(r.energy.band_pj(), r.samples)
    band = f" (constants all low to all high: {band})" if band else ""
    lines.append(f"energy        {units.energy(energy)} a sample{band}, of which leakage {units.energy(leakage)}")
    if r.calibrated_pj is not None:
        lines.append(_calibrated(r))
    events = r.synaptic_events
    share = events["effective"] / events["dense"] if events["dense"] else 0.0
    lines.append(
        f"events        {units.count(events['effective'])} synaptic events of {units.count(events['dense'])} dense "
        f"({units.percent(share)}), {units.count(events['mac'])} of them multiply-accumulates"
    )
    if "in_layers" in r.fit:
        lines.append(layers_line(r))
    else:
        lines.append(
            f"packets       {units.count(r.packets['delivered'])} delivered, {r.packets['drops']} dropped, "
            f"{units.count(r.packets['flit_hops'])} flit-hops"
        )
    lines += [f"{key:<13} {value}" for key, value in (r.provenance.get("network") or {}).items()]
    lines += _network_lines(r)
    text = Text("\n".join(lines))
    text.stylize("bold", 0, len(lines[0]))
    return text


def _calibrated(r: Result) -> str:
    """The total as the one measurement of the chip would have it, never in the place of the total itself."""
    # What was measured is in `neurosim show chip` and --json: too long for a headline.
    c, (nominal, low, high) = r.calibration, (units.energy(pj / r.samples) for pj in r.calibrated_pj)
    what = "dynamic energy" if c["of"] == "dynamic" else "all energy"
    how = ", applied above" if c["applied"] else ""
    return f"calibrated    {nominal} a sample, {low} to {high} (x {c['factor']:g} on {what}{how}: measured silicon)"


def _network_lines(r: Result) -> list[str]:
    if not r.network or not r.network["deliveries"]:
        return []
    n, cycles, drain = r.network, r.network["latency_cycles"], r.network["drain_cycles"]
    first = "sample" if n["samples"] == 1 else f"{n['samples']} samples"
    lines = [
        f"network       first {first}: packet latency {cycles['mean']:,.1f} mean, {units.count(cycles['p99'])} p99, "
        f"{units.count(cycles['max'])} longest; a round drains in {drain['mean']:,.0f} (longest "
        f"{units.count(drain['max'])}) cycles; {units.percent(n['disorder'])} out of order"
    ]
    busiest = max(n["links"], key=lambda link: link["load"], default=None)
    if busiest and busiest["flits"]:
        taken = f"taken {units.percent(busiest['load'])} of the time"
        lines.append(f"busiest link  {busiest['from']} {busiest['direction']}, {taken}")
    return lines


def _spikes(r: Result) -> Table:
    table = new_table(
        "Spikes by layer", ("layer", "left"), ("neurons", "right"), ("spikes", "right"), ("a sample", "right"),
        ("rate a step", "right"), ("", "left"),
    )  # fmt: skip
    steps = r.samples * r.timesteps
    for name, n in r.neurons.items():
        rate = r.spikes[name] / (n * steps)
        a_sample = r.spikes[name] / r.samples
        cells = (units.count(n), units.count(r.spikes[name]), f"{a_sample:,.1f}", units.percent(rate), _bar(rate))
        table.add_row(name, *cells)
    return table


def _energy(r: Result) -> Table:
    table = new_table(
        "Energy by component, all samples", ("component", "left"), ("energy", "right"), ("a sample", "right"),
        ("low to high", "right"), ("share", "right"), ("", "left"),
    )  # fmt: skip
    total = r.energy_pj or 1.0
    bands = r.energy.bands_by_component()
    components = r.energy.by_component()
    leakage = components.pop("leakage", 0.0)
    for name, pj in components.items():
        if pj:
            cells = (units.energy(pj), units.energy(pj / r.samples), _band(bands[name], r.samples))
            table.add_row(name, *cells, units.percent(pj / total), _bar(pj / total))
    dynamic = r.energy.total_pj(leakage=False)
    for name, pj, leaks in (("dynamic", dynamic, False), ("leakage", leakage, True), ("total", r.energy_pj, None)):
        band = _band(r.energy.band_pj(leaks), r.samples)
        row = (name, units.energy(pj), units.energy(pj / r.samples), band, units.percent(pj / total), "")
        table.add_row(*row, style="bold" if name == "total" else None)
    table.caption = (
        "low to high: a sample with all constants at one end of their bands, a corner and not a likelihood; "
        f"{units.percent(r.energy.banded_share())} of the energy has a band"
    )
    table.caption_justify = "left"
    return table


def _band(ends: tuple[float, float], parts: float = 1) -> str:
    """Both ends, or nothing where they are the same."""
    return "" if ends[0] == ends[1] else " to ".join(units.energy(end / parts) for end in ends)


_WAITS = {
    "synapse_bank_conflict": "synapse unit, bank conflicts",
    "synapse_shared_port": "synapse unit, memory port in use",
    "update_shared_port": "update unit, memory port in use",
    "update_injection": "update unit, spikes being sent",
    "update_queue_full": "update unit, egress queue full",
    "egress_network": "egress unit, network full",
}


def _timing(r: Result) -> Table:
    """Where the cycles went: work and barriers of the chip, then what its units waited for."""
    table = new_table(
        "Timing, a sample", ("what", "left"), ("cycles", "right"), ("share", "right"), ("most at", "left"),
    )  # fmt: skip
    total = r.cycles_total or 1
    barrier = int(r.barrier_cycles.sum())
    for name, cycles in (("rounds", r.cycles_total - barrier), ("barriers", barrier)):
        table.add_row(name, units.count(cycles / r.samples), units.percent(cycles / total), "")
    for cause, cycles in r.waits_total.items():
        if not cycles:
            continue
        by_core = r.waits[:, :, WAIT_CAUSES.index(cause)].sum(axis=0)
        worst = int(by_core.argmax())
        place = "host" if worst == by_core.size - 1 else f"core {worst}"
        most = f"{place}: {units.count(by_core[worst] / r.samples)}, {units.percent(by_core[worst] / total)}"
        table.add_row(f"waiting: {_WAITS[cause]}", units.count(cycles / r.samples), "", most)
    return table


def _footprint(r: Result) -> Table:
    table = new_table(
        "Footprint by memory", ("memory", "left"), ("used", "right"), ("provisioned", "right"), ("", "left")
    )
    for memory, line in r.footprint.items():
        provisioned = line["provisioned_bits"]
        cells = ("no limit given", "") if provisioned is None else (units.bits(provisioned), _share_bar(line))
        table.add_row(memory.replace("_", " "), units.bits(line["used_bits"]), *cells)
    table.add_row("total", units.bits(sum(line["used_bits"] for line in r.footprint.values())), style="bold")
    return table


def _share_bar(line: dict) -> str:
    share = line["used_bits"] / line["provisioned_bits"] if line["provisioned_bits"] else 0.0
    return f"{units.percent(share)} {_bar(share, 16)}"


def _ann(r: Result) -> Group:
    table = new_table("The same job as an ANN", ("", "left"), ("this SNN", "right"), ("ANN", "right"))
    ann = r.ann
    if r.accuracy is not None:
        table.add_row("accuracy", units.percent(r.accuracy), units.percent(ann["accuracy"]))
    snn_energy, ann_energy = r.energy_pj / r.samples, ann["energy_pj"] / r.samples
    table.add_row("energy a sample", units.energy(snn_energy), units.energy(ann_energy))
    if "band_pj" in ann:
        table.add_row("  low to high", _band(r.energy.band_pj(), r.samples), _band(tuple(ann["band_pj"]), r.samples))
    ann_quantum_ps = ann["latency_s"] * 1e12 * r.samples / ann["cycles"]
    table.add_row(
        "cycles a sample",
        f"{units.count(r.cycles_total / r.samples)} of {units.time(r.quantum_ps * 1e-12)}",
        f"{units.count(ann['cycles'] / r.samples)} of {units.time(ann_quantum_ps * 1e-12)}",
    )
    table.add_row("latency a sample", units.time(r.latency_s), units.time(ann["latency_s"]))
    events = f"{units.count(r.synaptic_events['effective'] / r.samples)} events"
    table.add_row("operations a sample", events, f"{units.count(ann['macs'] / r.samples)} MACs")
    about = Text(f"SNN / ANN energy: {snn_energy / ann_energy:.2f}. ANN: {ann['description']}", style="dim")
    return Group(table, about)


def _overflows(r: Result) -> Iterator[Text]:
    for line in r.fit.get("overflows", []):
        yield Text(f"does not fit: {line}", style="yellow")


def _times(r: Result) -> list[RenderableType]:
    """Nothing for a file of an older version, which does not hold these counts."""
    return [] if r.waits is None or r.barrier_cycles is None else [_timing(r), Text()]


def result_text(r: Result, saved: Path | None = None) -> RenderableType:
    """The whole report."""
    parts: list[RenderableType] = [
        _headline(r),
        Text(),
        _spikes(r),
        Text(),
        *_times(r),
        _energy(r),
        Text(),
        _footprint(r),
    ]
    if "in_layers" in r.fit:
        parts += [Text(), layers_table(r)]
    if r.ann is not None:
        parts += [Text(), _ann(r)]
    parts += list(_overflows(r))
    parts += [Text(f"note: {note}", style="yellow") for note in r.notes]
    if saved is not None:
        parts += [Text(), Text(f"saved  {saved}\nexplain it with:  neurosim explain {saved}", style="dim")]
    return Group(*parts)


def explain_text(r: Result, by: tuple[str, ...], top: int) -> RenderableType:
    """From the total to component, action, count, constant and source; every line a product, every total their sum."""
    table = new_table(
        f"{r.workload} on {r.chip}: {units.energy(r.energy_pj)} over {r.samples} samples", *[(b, "left") for b in by],
        ("count", "right"), ("x constant", "right"), ("= energy", "right"), ("low to high", "right"),
        ("share", "right"), ("source", "left"),
    )  # fmt: skip
    bands = r.energy.bands_by(*by)
    groups: dict[tuple[str, ...], list] = {}
    for leaf in r.energy.leaves:
        groups.setdefault(tuple(getattr(leaf, f) for f in by), []).append(leaf)
    sums = r.energy.by(*by)
    total = r.energy_pj or 1.0
    for key, pj in list(sums.items())[:top]:
        leaves = groups[key]
        prices = {leaf.price_pj for leaf in leaves}
        if len(prices) == 1:
            leakage = leaves[0].action == "leakage"
            n = leaves[0].count if leakage else sum(leaf.count for leaf in leaves)
            counted = f"{units.time(n * 1e-12)}" if leakage else units.count(n)
            constant = f"{leaves[0].price_pj * 1e3:.6g} mW" if leakage else f"{leaves[0].price_pj:.6g} pJ"
        else:
            counted, constant = units.count(sum(leaf.count for leaf in leaves)), f"{len(prices)} constants"
        sources = sorted({leaf.source for leaf in leaves})
        source = sources[0] if len(sources) == 1 else f"{len(sources)} sources"
        cells = (counted, constant, units.energy(pj), _band(bands[key]), units.percent(pj / total), source or "none")
        table.add_row(*key, *cells)
    left_out = len(sums) - min(top, len(sums))
    tail = f"... and {left_out} more lines (--top {len(sums)}). " if left_out else ""
    table.caption = (
        f"{tail}dynamic {units.energy(r.energy.total_pj(leakage=False))}, leakage "
        f"{units.energy(r.energy.total_pj(leakage=True))}; all constants low to all high "
        f"{_band(r.energy.band_pj()) or 'no bands'}; unsourced share {units.percent(r.energy.unsourced_share())}"
    )
    table.caption_justify = "left"
    return table


def console(stderr: bool = False) -> Console:
    """A console that keeps tables readable when the output is not a terminal."""
    plain = Console(stderr=stderr)
    return plain if plain.is_terminal else Console(stderr=stderr, width=max(plain.width, 120))
