"""The learning study's energy: a ratio taken apart (P2), and accuracy against the energy spent on it (P4)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.learning.ratio import times
from neurosim.report.figure_style import SIZE, SMALL_SIZE, save, unit_for
from neurosim.report.figures import PALETTE
from neurosim.report.learn_panels import Legend, looks, panels
from neurosim.study.learn.points import FACTORS, Curve, Split
from neurosim.study.learn.runs import BASELINES, DENSE, Runs

WHAT = {
    "zero skipping": "bptt computes nothing for zeros, but still writes every weight",
    "write-back": "only weights that were touched are written",
    "rule": "the event-driven rule instead of bptt, every sample learned from",
    "update skipping": "samples that are right are passed over",
}


_GRAYS = (("#BBBBBB", "x"), ("#888888", "+"), ("#222222", "x"))
"""Colour and marker of the baselines."""


def split_figure(runs: Runs, splits: Sequence[Split], path: Path) -> Path:
    """P2: a row of bars a rule, a bar a batch size; each factor starts where the one before ended."""
    prices = [learner.name for learner in runs.learners]
    rules = list(dict.fromkeys(s.ratio.rule for s in splits))
    said = [f"{name}: {text};" for name, text in WHAT.items()]
    said += [
        "each is turned on after the ones before it, another order would share the ratio out otherwise.",
        "Hatched and backwards: a factor below 1.",
        f"Means of {len(runs.study.seeds)} seeds, {runs.study.epochs} epochs of {runs.study.data}.",
        f"At the end of a bar: {DENSE} / rule, and the accuracy gap, rule minus {DENSE}, in points.",
    ]
    batches = runs.study.batches
    figure, axes = panels(
        (0.19 * len(batches) + 0.3) * len(rules) + 0.4, f"Learning energy, {DENSE} / rule, taken apart", said,
        len(rules), len(prices), _factor_legend(), sharex=True, sharey=True,
    )  # fmt: skip
    furthest = max(s.ratio.number for s in splits)
    for row, rule in zip(axes, rules, strict=True):
        for axis, name in zip(row, prices, strict=True):
            for place, batch in enumerate(batches):
                asked = (rule, name, batch)
                here = [s for s in splits if (s.ratio.rule, s.ratio.prices, s.ratio.batch) == asked]
                for split in here:
                    _bar(axis, place, split, furthest)
                if not here:
                    axis.text(1.1, place, "local: no batch", va="center", fontsize=6, color="#777777")
            axis.axvline(1, color="black", lw=0.6)
            axis.set_xscale("log")
            axis.set_xlim(0.9, furthest * 9)
            tens = [10**i for i in range(4) if 10**i <= furthest * 2]
            axis.set_xticks(tens, [f"{ten}x" for ten in tens])
            axis.minorticks_off()
            axis.set_ylim(len(batches) - 0.5, -0.5)
            axis.set_yticks(range(len(batches)), [f"batch {b}" for b in batches])
            if rule == rules[0]:
                axis.set_title(f"prices {name}", fontsize=SIZE)
        row[0].set_ylabel(f"{DENSE}\n/ {rule}", fontsize=SMALL_SIZE)
    return save(figure, path)


def _bar(axis, place: int, split: Split, furthest: float) -> None:
    at, room = 1.0, (10 * furthest) ** 0.085
    for factor, colour in zip(split.factors.values(), PALETTE, strict=False):
        losing = factor < 1
        axis.barh(
            place, at * factor - at, left=at, height=0.36 if losing else 0.72, color=colour, lw=0.4,
            edgecolor="black" if losing else "white", hatch="/////" if losing else None, zorder=3 if losing else 2,
        )  # fmt: skip
        if factor >= room:
            axis.text(
                at * factor**0.5, place, times(factor)[:-1], ha="center", va="center", fontsize=5.6, color="white",
                zorder=4,
            )  # fmt: skip
        at *= factor
    top = max(1.0, at, at / split.factors[FACTORS[-1]], at / split.factors[FACTORS[-1]] / split.factors[FACTORS[-2]])
    axis.text(
        top * 1.08, place, f"{times(split.ratio.number)} ({split.ratio.gap_points:+.1f})", va="center", fontsize=6,
    )  # fmt: skip


def _factor_legend() -> Legend:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=name) for name, colour in zip(FACTORS, PALETTE, strict=False)]
    return Legend(handles, 4)


def curve_figure(runs: Runs, curves: Sequence[Curve], path: Path) -> Path:
    """P4: a line a learner, a marker an epoch; a row a batch size, a column a price table."""
    batches = runs.study.batches
    rules = [rule for rule in dict.fromkeys(c.rule for c in curves) if rule not in BASELINES]
    style = {**dict(zip(BASELINES, _GRAYS, strict=False)), **looks(rules)}
    said = [
        f"After each of {runs.study.epochs} epochs of {runs.study.data}: accuracy on the test part, and energy of",
        f"backward and update until then; means of {len(runs.study.seeds)} seeds. Baselines learn from every sample;",
        f"with update skipping: samples with no class wrong by {runs.study.skip_below:g} are passed over.",
    ]
    units = {learner.name: _unit([c for c in curves if c.prices == learner.name]) for learner in runs.learners}
    figure, axes = panels(
        1.7 * len(batches) + 0.4, "Accuracy against the learning energy spent", said, len(batches), len(units),
        _curve_legend(curves, style), sharex="col", sharey=True,
    )  # fmt: skip
    for row, batch in zip(axes, batches, strict=True):
        for axis, (name, (size, unit)) in zip(row, units.items(), strict=True):
            for curve in (c for c in curves if (c.batch, c.prices) == (batch, name)):
                axis.plot([e / size for e in curve.energy], [100 * x for x in curve.accuracy], **_line(curve, style))
            for target in runs.study.accuracy_targets:
                axis.axhline(100 * target, color="#BBBBBB", lw=0.5, zorder=0)
            axis.set_xscale("log")
            if batch == batches[0]:
                axis.set_title(f"prices {name}", fontsize=SIZE)
            if batch == batches[-1]:
                axis.set_xlabel(f"learning energy so far ({unit})", fontsize=SMALL_SIZE)
        row[0].set_ylabel(f"batch {batch}\naccuracy (%)", fontsize=SIZE)
    shown = [100 * c.accuracy[-1] for c in curves] + [100 * t for t in runs.study.accuracy_targets]
    axes[0][0].set_ylim(max(0.0, min(shown) - 6), min(100.5, max(shown) + 1))
    return save(figure, path)


def _line(curve: Curve, style: dict[str, tuple[str, str]]) -> dict:
    colour, marker = style[curve.rule]
    dashes = "--" if curve.skips and curve.rule in BASELINES else "-"
    return {"ls": dashes, "color": colour, "marker": marker, "ms": 2.6, "lw": 0.9, "mew": 0.7}


def _curve_legend(curves: Sequence[Curve], style: dict[str, tuple[str, str]]) -> Legend:
    from matplotlib.lines import Line2D

    return Legend([Line2D([], [], label=name, **_line(c, style)) for name, c in {c.name: c for c in curves}.items()])


def _unit(curves: Sequence[Curve]) -> tuple[float, str]:
    """What to divide energies by, and the unit."""
    if curves[0].unit == "pJ":
        return unit_for([c.energy[-1] for c in curves], "energy")
    return 1e6, f"million {curves[0].unit}"
