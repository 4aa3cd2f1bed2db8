"""Saved results as one HTML page that needs nothing else: figures, tables, constants with sources, provenance."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim import __version__, units
from neurosim.files import replacing
from neurosim.report.compare_plots import Drawn, safe_stem
from neurosim.report.figure_activity import confusion_figure, latency_figure, spikes_figure
from neurosim.report.figure_energy import energy_breakdown, tornado
from neurosim.report.figure_machine import roofline, utilisation_figure
from neurosim.report.figure_results import energies, footprint_figure, labels_of, memories
from neurosim.report.figure_style import DPI, WIDTH_INCHES, vector_files
from neurosim.report.figures import component_bars
from neurosim.report.result_tables import energy_rows, footprint_rows, layer_rows, summary_rows
from neurosim.report.tables import write_table
from neurosim.result import Result

TEMPLATE = "results.html.j2"
PAGE_PIXELS = 960
_MISSING = {
    "spikes": "No spikes to draw: the file is of an older version, which kept none.",
    "roofline": "No roofline: the file is of an older version, or the chip has no such limits.",
    "latency": "No distribution of latencies: there is one sample.",
    "confusion": "No confusion matrix: the samples have no labels.",
    "tornado": "No sensitivity: no constant of this chip has a band.",
}


@dataclass(frozen=True, eq=False)
class Loaded:
    """A result, the name of its file (no path: pages are the same wherever they were made) and the file's hash."""

    result: Result
    file: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Written:
    """What a report left behind; ``figures`` are PNG, ``vector`` the same as SVG and PDF."""

    page: Path
    figures: list[Path]
    vector: list[Path]
    tables: list[Path]


def draw_result(result: Result, folder: Path, stem: str, bars=None) -> tuple[list[Drawn], list[str]]:
    """Every figure that the result has data for, and a sentence for each that it has not."""
    makers = (
        ("energy", "Where the energy goes", lambda path: energy_breakdown(result, path, bars)),
        ("tornado", "What each constant could change", lambda path: tornado(result, path)),
        ("footprint", "What is stored", lambda path: footprint_figure(result, path)),
        ("spikes", "Spikes", lambda path: spikes_figure(result, path)),
        ("utilisation", "Cores and links", lambda path: utilisation_figure(result, path)),
        ("roofline", "Roofline", lambda path: roofline([result], path)),
        ("latency", "Latency", lambda path: latency_figure(result, path)),
        ("confusion", "Confusion", lambda path: confusion_figure(result, path)),
    )
    drawn, missing = [], []
    for name, title, make in makers:
        path = make(Path(folder) / f"{stem}_{name}.png")
        if path is None:
            missing.append(_MISSING[name])
        else:
            drawn.append(Drawn(path, f"{title}: {result.workload} on {result.chip}"))
    return drawn, missing


def write_results(loaded: Sequence[Loaded], folder: Path, title: str | None = None) -> Written:
    """Figures (PNG, SVG, PDF), tables (CSV, LaTeX) and the page, all in ``folder``."""
    folder = Path(folder)
    results = [item.result for item in loaded]
    names = labels_of(results)
    title = title or (f"{results[0].workload} on {results[0].chip}" if len(results) == 1 else "Results side by side")
    bars = component_bars(results)
    common: list[Drawn] = []
    if len(results) > 1:
        common = [
            Drawn(energies(results, folder / "results_energy.png"), "Energy by component"),
            Drawn(memories(results, folder / "results_memory.png"), "Memory by what it holds"),
        ]
    tables = write_table(summary_rows(results), folder / "results_summary", title)
    sections, figures = [], [d.path for d in common]
    for number, (item, name) in enumerate(zip(loaded, names, strict=True)):
        stem = (
            f"{safe_stem(f'{item.result.workload}_{item.result.chip}')}{'' if len(loaded) == 1 else f'_{number + 1}'}"
        )
        drawn, missing = draw_result(item.result, folder, stem, bars)
        figures += [d.path for d in drawn]
        made = _tables(item.result)
        for key, heading, rows in made:
            tables += write_table(rows, folder / f"{stem}_{key}", f"{heading}: {name}, {item.result.chip}")
        sections.append({
            "name": name if len({r.chip for r in results}) > 1 else f"{name} on {item.result.chip}",
            "notes": item.result.notes, "figures": [inline(d) for d in drawn], "missing": missing,
            "tables": [_shown(key, heading, rows) for key, heading, rows in made],
        })  # fmt: skip
    page = folder / f"{'results' if len(loaded) > 1 else stem}.html"
    provenance = {item.file: item.result.provenance for item in loaded}
    render(TEMPLATE, page, {
        "title": title, "summary": _summary(results), "figures": [inline(d) for d in common], "sections": sections,
        "files": [(item.file, item.sha256) for item in loaded], "version": __version__,
        "provenance": json.dumps(provenance, indent=1, sort_keys=True),
    })  # fmt: skip
    return Written(page, figures, [v for path in figures for v in vector_files(path)], tables)


def render(template: str, page: Path, values: dict[str, Any]) -> None:
    """A page that is there whole or not at all; every value is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    text = environment.get_template(template).render(**values)
    with replacing(page) as temporary:
        temporary.write_text(text, "utf-8")


def inline(drawn: Drawn) -> dict[str, str | int]:
    """One size of letters on the page, whether a figure is one column wide or two."""
    content = drawn.path.read_bytes()
    # The header of a PNG: eight bytes of signature, length and name of the first chunk, then the width.
    width = int.from_bytes(content[16:20], "big")
    shown = round(width * PAGE_PIXELS / (WIDTH_INCHES * DPI))
    return {"title": drawn.title, "data": base64.b64encode(content).decode(), "width": shown}


def _tables(result: Result) -> list[tuple[str, str, list[dict[str, Any]]]]:
    return [
        ("layers", "Layers", layer_rows(result)),
        ("memories", "Memories", footprint_rows(result)),
        ("constants", "Count x constant, a sample", energy_rows(result)),
    ]


def _shown(key: str, heading: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A table for the page: units chosen to be read."""
    if key == "layers":
        columns = ("layer", "neurons", "spikes a sample", "rate a step", "energy of updates")
        lines = [
            (r["layer"], units.count(r["neurons"]), f"{r['spikes_per_sample']:,.1f}", units.percent(r["rate"]),
             units.energy(r["own_energy_pj_per_sample"]))
            for r in rows
        ]  # fmt: skip
        return {"title": heading, "columns": columns, "rows": lines, "text": 0}
    if key == "memories":
        columns = ("memory", "used", "provided", "share")
        lines = [
            (r["memory"].replace("_", " "), units.bits(r["used_bits"]), "no limit given", "")
            if not r["provisioned_bits"]
            else (
                r["memory"].replace("_", " "), units.bits(r["used_bits"]), units.bits(r["provisioned_bits"]),
                units.percent(r["used_bits"] / r["provisioned_bits"]),
            )
            for r in rows
        ]  # fmt: skip
        return {"title": heading, "columns": columns, "rows": lines, "text": 0}
    columns = ("component", "action", "count", "constant", "low to high", "energy", "share", "source")
    lines = [
        (
            r["component"].replace("_", " "), r["action"].replace("_", " "), f"{r['count']:,.4g}",
            f"{r['price_pj']:.4g} pJ", _band(r), units.energy(r["energy_pj"]), units.percent(r["share"]),
            r["source"] or "none",
        )
        for r in rows
    ]  # fmt: skip
    return {"title": heading, "columns": columns, "rows": lines, "text": 7}


def _band(row: dict[str, Any]) -> str:
    low, high = (row["price_pj"] if row[k] is None else row[k] for k in ("low_price_pj", "high_price_pj"))
    return "no band" if low == high else f"{low:.3g} to {high:.3g}"


def _summary(results: Sequence[Result]) -> dict[str, Any]:
    columns = (
        "result", "chip", "samples", "accuracy", "95 %", "energy a sample", "low to high", "latency", "memory",
        "events a sample",
    )  # fmt: skip
    lines = []
    for r in summary_rows(list(results)):
        low, high = r["energy_low_nj"], r["energy_high_nj"]
        least, most = r["accuracy_low_95"], r["accuracy_high_95"]
        lines.append((
            r["name"], r["chip"], f"{r['samples']} x {r['timesteps']}",
            "no labels" if r["accuracy"] is None else units.percent(r["accuracy"]),
            "" if least is None else f"{100 * least:.1f} to {100 * most:.1f} %",
            units.energy(1e3 * r["energy_nj_per_sample"]),
            "no band" if low is None else f"{units.energy(1e3 * low)} to {units.energy(1e3 * high)}",
            units.time(r["latency_us_per_sample"] * 1e-6), units.bits(r["footprint_bits"]),
            units.count(r["synaptic_events_per_sample"]),
        ))  # fmt: skip
    return {"columns": columns, "rows": lines}
