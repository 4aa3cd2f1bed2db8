"""A learning run as a terminal shows it."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from neurosim import units
from neurosim.learning.rules import find_rule
from neurosim.report.text import new_table


def learn_text(found: dict[str, Any]) -> RenderableType:
    """Headline, accuracy by epoch, energy by phase and price table, memory, counts."""
    s, own = found["settings"], found["costs"][0]
    shape = "-".join(map(str, found["sizes"]))
    head = Text(f"{found['rule']} on {found['data']}, {shape}: {found['title']}", style="bold")
    lines = [
        f"accuracy      {100 * found['test_accuracy'][-1]:.1f} % on the test part "
        f"(best epoch {100 * max(found['test_accuracy']):.1f} %), {100 * found['train_accuracy'][-1]:.1f} % learning",
        f"energy        {_energy(own['total_a_sample'], own)} a training sample, of which learning "
        f"{_energy(own['learning_a_sample'], own)}; a test sample {_energy(own['inference_a_sample'], own)}",
        f"time          {units.time(own['seconds_a_sample'])} a training sample, "
        f"{units.count(sum(own['cycles_a_sample'].values()))} cycles",
        f"updates       {_passed(found)}",
        f"settings      {s['epochs']} epochs, batch {s['batch']}, rate {s['rate']:g} x {s['rate_fall']:g} an epoch, "
        f"weights {_width(found)}, seed {s['seed']}",
        "widths        " + ", ".join(f"{name} {bits}" for name, bits in found["widths_bits"].items()) + " bits",
        f"source        {found['source']}",
    ]
    if found["stand_in"]:
        lines.append(f"stand-in      {found['stand_in']}")
    body = [Text(line) for line in lines]
    parts = [_epochs(found), _costs(found), _memory(own)]
    if found["cycles_by_lanes"]:
        parts.append(_lanes(found["cycles_by_lanes"]))
    parts.append(_counts(found))
    parts += [Text(f"not priced    {reason}") for reason in found["not_priced"].values()]
    return Group(head, *body, *(part for each in parts for part in (Text(), each)))


def _passed(found: dict[str, Any]) -> str:
    share = units.percent(found["updates_skipped_share"])
    if find_rule(found["rule"]).local:
        return f"{share} of the samples were not learned from"
    return f"{share} of the samples were passed over (no class wrong by {found['settings']['skip_below']:g})"


def _width(found: dict[str, Any]) -> str:
    rule, bits = find_rule(found["rule"]), found["settings"]["weight_bits"]
    if rule.weight_bits is not None:
        return f"{bits} bits a synapse, moved by one"
    return "float32" if bits is None else f"{bits} bits, rounded at random by the seed"


def _energy(value: float, cost: dict[str, Any]) -> str:
    return units.energy(value) if cost["unit"] == "pJ" else f"{value:,.0f} {cost['unit']}"


def _epochs(found: dict[str, Any]) -> RenderableType:
    table = new_table("Accuracy", ("epoch", "right"), ("learning", "right"), ("test", "right"), ("", "left"))
    for i, (train, test) in enumerate(zip(found["train_accuracy"], found["test_accuracy"], strict=True)):
        table.add_row(str(i + 1), units.percent(train), units.percent(test), "█" * round(24 * test))
    return table


def _costs(found: dict[str, Any]) -> RenderableType:
    columns = [("prices", "left"), *((name, "right") for name in ("forward", "backward", "update", "leakage"))]
    table = new_table(
        "Energy a training sample, the same counts at each price table", *columns, ("learning / forward", "right")
    )
    for cost in found["costs"]:
        parts = cost["energy_a_sample"]
        cells = [_energy(value, cost) for value in parts.values()]
        ratio = cost["learning_a_sample"] / parts["forward"] if parts["forward"] else float("nan")
        table.add_row(cost["learner"], *cells, f"{ratio:.2f}")
    return table


def _memory(cost: dict[str, Any]) -> RenderableType:
    table = new_table(f"Memory the rule needs on {cost['learner']}", ("memory", "left"), ("most", "right"))
    for name, bits in cost["memory_bits"].items():
        table.add_row(name, units.bits(bits))
    return table


def _lanes(rows: list[dict[str, float]]) -> RenderableType:
    names = [name for name in rows[0] if name != "lanes"]
    table = new_table(
        "Cycles a training sample by lanes",
        *((name, "right") for name in ("lanes", *names, "all")),
    )
    for row in rows:
        cells = [row[name] for name in names]
        table.add_row(str(row["lanes"]), *(units.count(cycles) for cycles in (*cells, sum(cells))))
    return table


def _counts(found: dict[str, Any]) -> RenderableType:
    table = new_table("Counted, a training sample", ("event", "left"), ("mean", "right"))
    for name, value in found["counts_a_sample"].items():
        if value:
            table.add_row(name, f"{value:,.2f}")
    return table
