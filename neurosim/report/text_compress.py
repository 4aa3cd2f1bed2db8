"""What quantising or pruning did, as a terminal shows it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from neurosim import units
from neurosim.compress.compare import Comparison
from neurosim.compress.report import CompressionReport
from neurosim.report.text import new_table


def compress_text(report: CompressionReport, found: Comparison | None, title: str) -> RenderableType:
    """Headline, one table of projections, one of populations, and the notes."""
    (w0, w1), (m0, m1) = report.weight_bits, report.membrane_bits
    lines = [title, f"weights       {units.bits(w0)} before, {units.bits(w1)} after"]
    if m0:
        lines.append(f"membranes     {units.bits(m0)} before, {units.bits(m1)} after")
    if report.parameters.get("clip"):
        share = units.percent(report.parameters["clip"])
        lines.append(f"clipping      the step of a membrane leaves out {share} of its updates in the calibration")
    if found is not None and found.accuracy is not None:
        lines.append(
            f"accuracy      {units.percent(found.accuracy)} before, {units.percent(found.accuracy_other)} after "
            f"({found.samples} samples; {units.percent(found.same_answers)} of the answers are the same)"
        )
    head = Text("\n".join(lines))
    head.stylize("bold", 0, len(lines[0]))
    parts = [head, Text(), _projections(report), Text(), _populations(report, found)]
    return Group(*parts, *(Text(note, style="yellow") for note in report.notes))


def _projections(report: CompressionReport):
    table = new_table(
        "Projections", ("projection", "left"), ("format", "left"), ("weights", "right"), ("stored", "right"),
        ("zeros", "right"), ("max error", "right"), ("rms error", "right"), ("SQNR", "right"), ("bits", "right"),
    )  # fmt: skip
    for row in report.projections:
        sqnr = row.get("sqnr_db")
        table.add_row(
            row["name"],
            row["codec"] if row["codec"] == row["codec_before"] else f"{row['codec_before']} > {row['codec']}",
            units.count(row["weights"]),
            units.count(row.get("stored_weights", row["weights"])),
            units.percent(row["zero_share_after"]) if "zero_share_after" in row else "",
            f"{row['max_error']:.3g}" if "max_error" in row else "",
            f"{row['rms_error']:.3g}" if "rms_error" in row else "",
            "" if sqnr is None else f"{sqnr:.1f} dB",
            units.bits(row["bits_after"]),
        )
    return table


def _populations(report: CompressionReport, found: Comparison | None):
    table = new_table(
        "Populations", ("population", "left"), ("channels", "right"), ("membrane bits", "right"), ("range", "right"),
        ("step", "right"), ("clipped", "right"), ("spikes that differ", "right"),
    )  # fmt: skip
    spikes = {} if found is None else {row["name"]: row for row in found.populations}
    rows = {row["name"]: row for row in report.populations}
    for name in dict.fromkeys([*rows, *spikes]):
        row, differ = rows.get(name, {}), spikes.get(name)
        channels = f"{row['channels']} of {row['channels_before']}" if "channels" in row else ""
        table.add_row(
            name,
            channels,
            str(row.get("membrane_bits", "")),
            f"{row['lowest']:.3g} to {row['highest']:.3g}" if "lowest" in row else "",
            f"{row['unit_min']:.3g} to {row['unit_max']:.3g}" if "unit_min" in row else "",
            units.count(row["clipped"]) if "clipped" in row else "",
            ""
            if differ is None
            else f"{units.percent(differ['differing_of_spikes'])} of {units.count(differ['spikes'])}",
        )
    return table
