"""A study as one HTML page that needs nothing else: images inside, no script, no network, every name escaped."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim import __version__, units
from neurosim.arch import Chip, LayerChip
from neurosim.files import replacing
from neurosim.report.compare_plots import Drawn
from neurosim.report.text_compare import ratio, saving_lines
from neurosim.study.compare import Comparison
from neurosim.study.file import StudyFile
from neurosim.study.proxy import MAC_AC, PROXY, WIDTH_AWARE, savings
from neurosim.study.sources import full_sources
from neurosim.study.table import caption, plain_rows
from neurosim.study.waterfall import Waterfall

TEMPLATE = "study.html.j2"
_PARTS_SHOWN = 4


@dataclass(frozen=True, eq=False)
class Section:
    """One chip of a study: the comparison and its figures, or why nothing ran on it."""

    chip: Chip | LayerChip
    comparison: Comparison | None
    figures: tuple[Drawn, ...] = ()
    failed: str | None = None


def write_page(study: StudyFile, sections: Sequence[Section], path: Path) -> Path:
    """Render to ``path``, which is there whole or not at all."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    provenance = {
        s.chip.name: {r.name: r.result.provenance for r in s.comparison.rows if r.result is not None}
        for s in sections
        if s.comparison is not None
    }
    page = environment.get_template(TEMPLATE).render(
        study=study.study,
        sections=[_section(section) for section in sections],
        version=__version__,
        file=study.path.name,
        sha256=study.sha256,
        source=study.source,
        provenance=json.dumps(provenance, indent=1, sort_keys=True),
    )
    with replacing(Path(path)) as temporary:
        temporary.write_text(page, "utf-8")
    return Path(path)


def _section(section: Section) -> dict[str, Any]:
    made = section.comparison
    if made is None:
        return {"chip": section.chip, "failed": section.failed}
    found = savings(made.results)
    return {
        "chip": section.chip,
        "failed": None,
        "lines": saving_lines(found),
        "caption": caption(made),
        "rows": [_row(row) for row in plain_rows(made)],
        "savings": [
            (s.name, s.reference, ratio(s.chip), *(ratio(s.claimed.get(k)) for k in (PROXY, MAC_AC, WIDTH_AWARE)))
            for s in found
        ],
        "figures": [
            {"title": d.title, "data": base64.b64encode(d.path.read_bytes()).decode()} for d in section.figures
        ],
        "waterfalls": [_waterfall(fall) for fall in made.waterfalls],
        "sources": _sources(made),
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A line of the table: cells as (text, on the front)."""
    if row["reason"] is not None:
        return {"name": row["name"], "reason": row["reason"]}

    def cell(key: str, show, front: str | None = None) -> tuple[str, bool]:
        value = row[key]
        return ("" if value is None else show(value)), bool(front and row[f"on_{front}_front"])

    low, high = row["energy_low_pj_per_sample"], row["energy_high_pj_per_sample"]
    least, most = row["accuracy_low_95"], row["accuracy_high_95"]
    return {
        "name": row["name"],
        "reason": None,
        "cells": [
            cell("accuracy", units.percent),
            ("" if least is None else f"{100 * least:.1f} to {100 * most:.1f} %", False),
            cell("weight_bits_mean", lambda bits: f"{bits:.3g}"),
            cell("energy_pj_per_sample", units.energy, "energy"),
            ("no band" if low is None else f"{units.energy(low)} to {units.energy(high)}", False),
            cell("latency_s_per_sample", units.time, "latency"),
            cell("footprint_bits", units.bits, "footprint"),
            cell("synaptic_events_per_sample", units.count),
        ],
    }


def _waterfall(fall: Waterfall) -> dict[str, Any]:
    steps = [{"name": fall.start, "energy": units.energy(fall.start_pj), "share": "", "parts": ""}]
    for (name, pj), (_, parts) in zip(fall.steps, fall.by_component, strict=True):
        largest = [(part, change) for part, change in parts.items() if change][:_PARTS_SHOWN]
        steps.append({
            "name": name,
            "energy": units.energy(pj),
            "share": f"{100 * pj / fall.start_pj:+.1f} %",
            "parts": ", ".join(f"{part.replace('_', ' ')} {units.energy(change)}" for part, change in largest),
        })  # fmt: skip
    steps.append({"name": fall.end, "energy": units.energy(fall.end_pj), "share": "", "parts": ""})
    return {"start": fall.start, "end": fall.end, "reason": fall.reason, "steps": steps}


def _sources(made: Comparison) -> list[tuple[str, str, str]]:
    """(component, largest share of any workload's energy, source), largest first."""
    largest: dict[tuple[str, str], float] = {}
    for result in made.results:
        for component, source, share in full_sources(result.energy):
            largest[component, source] = max(share, largest.get((component, source), 0.0))
    rows = sorted(largest.items(), key=lambda item: (-item[1], item[0]))
    return [(component.replace("_", " "), units.percent(share), source) for (component, source), share in rows]
