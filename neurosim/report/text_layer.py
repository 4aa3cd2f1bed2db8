"""What the report of a layer run shows besides: how the layers were cut, and where the time went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim import units

if TYPE_CHECKING:
    from rich.table import Table

    from neurosim.result import Result


_DONE = {"decode": "decoded", "reuse": "reused"}


def layers_line(r: Result) -> str:
    """One line of the headline, in the place of the packets."""
    words = r.activity.total("synapse_read_word")
    fit = r.fit
    return (
        f"windows       {fit['windows']} a sample of {fit['window_timesteps']} timesteps, "
        f"{fit['load_timesteps']} to a load; {units.count(words)} words of weights fetched"
    )


def layers_table(r: Result) -> Table:
    """One row a phase: the host, then each layer."""
    from neurosim.report.text import new_table

    table = new_table(
        "Time by layer, all samples", ("layer", "left"), ("tiles", "right"), ("rows filled", "right"),
        ("loads", "right"), ("slots", "right"), ("cycles", "right"), ("share", "right"), ("loading", "right"),
        ("accumulating", "right"), ("updating", "right"),
    )  # fmt: skip
    cut = {row["layer"]: row for row in r.fit["layers"]}
    total = r.cycles_total or 1
    for phase in r.fit["in_layers"]:
        row = cut.get(phase["phase"])
        tiles = (
            ("", "") if row is None else (units.count(row["tiles"]), units.percent(row["rows_filled_percent"] / 100))
        )
        cells = [units.count(phase[key]) for key in ("loads", "slots", "cycles")]
        busy = [units.count(phase[key]) for key in ("load", "array", "update")]
        if row is None:
            cells[:2], busy = ["", ""], ["", "", ""]
        table.add_row(
            phase["phase"] + _engine(row or {}), *tiles, *cells, units.percent(phase["cycles"] / total), *busy
        )
    return table


def _engine(row: dict) -> str:
    """How a layer was computed, where the chip has a choice."""
    reused = f", codewords {_DONE[row['codebook']]}" if "codebook" in row else ""
    return reused + (f", history of {row['history_timesteps']}" if row.get("history_timesteps") else "")
