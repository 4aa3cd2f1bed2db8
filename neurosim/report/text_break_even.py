"""The break-even map as a terminal shows it: the rates at which SNN and ANN cost the same, and the trained networks."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from neurosim import units
from neurosim.report.text import new_table


def break_even_text(found: dict[str, Any]) -> RenderableType:
    """Break-even rates by weight width, timesteps and rival; then a line a trained network."""
    head = Text(f"Break-even of SNN and ANN on the shape of {found['workload']}, SNN on {found['chip']}")
    head.stylize("bold")
    note = (
        "Below the rate the SNN costs less. Weights on chip on both sides, leakage in both totals, no DRAM but the "
        "ANN's input and answer; the ANN has the panel's weight bits and activations of ceil(log2(T + 1)) bits. Its "
        "arrays leave out wires and most of control. Closed form: docs/ann.md."
    )
    used = [Text(_used(found, rival), style="dim") for rival in found["rivals"]]
    return Group(head, Text(note, style="dim"), *used, Text(), _rates(found), Text(), _points(found))


def _used(found: dict[str, Any], rival: dict[str, Any]) -> str:
    """Utilisation and skipping of a rival over the whole map."""
    costs = [cost for panel in found["panels"] for cost in panel["ann"][rival["name"]]]
    low, high = (units.percent(end(cost["utilisation"] for cost in costs)) for end in (min, max))
    skipped = max(cost["skipped"] for cost in costs)
    more = f", up to {units.percent(skipped)} of the work skipped" if skipped else ""
    return f"{rival['title']}: {rival['array']}, {low} to {high} of its elements used{more}"


def _rates(found: dict[str, Any]) -> RenderableType:
    columns = [("weight bits", "right"), ("T", "right")]
    for rival in found["rivals"]:
        columns += [(rival["title"], "right"), ("closed form", "right")]
    table = new_table("Firing rate at break-even", *columns)
    for panel in found["panels"]:
        for i, steps in enumerate(found["timesteps"]):
            cells = [str(panel["weight_bits"]) if i == 0 else "", str(steps)]
            for name in (rival["name"] for rival in found["rivals"]):
                cheap = panel["snn_pj"][i][0] <= panel["ann"][name][i]["pj"]
                closed = panel["closed_form"][name][found["closed_form_timesteps"].index(steps)]
                cells += [_rate(panel["break_even"][name][i], cheap, found["rates"]), _closed(closed)]
            table.add_row(*cells)
    return table


def _rate(rate: float | None, cheap: bool, rates: list[float]) -> str:
    if rate is not None:
        return f"{100 * rate:.2g} %"
    return f"> {100 * rates[-1]:g} %" if cheap else f"< {100 * rates[0]:g} %"


def _closed(rate: float) -> str:
    if rate <= 0:
        return "never"
    return f"{100 * rate:.2g} %" if rate <= 1 else "> 100 %"


def _points(found: dict[str, Any]) -> RenderableType:
    columns = [
        ("trained network", "left"), ("T", "right"), ("rate", "right"), ("energy a sample", "right"),
        ("stand-in there", "right"), ("accuracy", "right"), ("ANN, int8", "right"),
    ]  # fmt: skip
    columns += [(f"SNN / ANN {rival['title']}", "right") for rival in found["rivals"]]
    table = new_table("Trained networks, as measured", *columns)
    for point in found["points"]:
        there = "" if point["map_pj"] is None else units.energy(point["map_pj"])
        accuracies = ["" if a is None else units.percent(a) for a in (point["accuracy"], point["ann_accuracy_int8"])]
        table.add_row(
            point["workload"], str(point["timesteps"]), f"{100 * point['rate']:.2g} %", units.energy(point["snn_pj"]),
            there, *accuracies, *(f"{point['ratio'][rival['name']]:.2f}" for rival in found["rivals"]),
        )  # fmt: skip
    return table
