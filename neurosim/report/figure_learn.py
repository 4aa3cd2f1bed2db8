"""A learning run drawn: accuracy by epoch, and energy a sample by phase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurosim.files import replacing

PHASES = (("forward", "#0072B2"), ("backward", "#D55E00"), ("update", "#009E73"), ("leakage", "#999999"))


def learn_figure(found: dict[str, Any], path: Path) -> Path:
    """Writes a PNG: left the accuracy, right stacked energy at each price table, as shares of the forward pass."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 3.8), layout="constrained", dpi=120)
    left, right = figure.subplots(1, 2)
    epochs = range(1, len(found["test_accuracy"]) + 1)
    left.plot(epochs, [100 * x for x in found["train_accuracy"]], "--", color="#56B4E9", label="while learning")
    left.plot(epochs, [100 * x for x in found["test_accuracy"]], "o-", color="#0072B2", markersize=4, label="test part")
    left.set(xlabel="epoch", ylabel="accuracy (%)", title=f"{found['rule']} on {found['data']}")
    left.legend(frameon=False)
    left.grid(alpha=0.3)
    names = [cost["learner"] for cost in found["costs"]]
    bottom = [0.0] * len(names)
    for phase, colour in PHASES:
        heights = [c["energy_a_sample"][phase] / c["energy_a_sample"]["forward"] for c in found["costs"]]
        right.bar(names, heights, 0.6, bottom=bottom, color=colour, label=phase)
        bottom = [a + b for a, b in zip(bottom, heights, strict=True)]
    right.set(ylabel="energy a training sample\n(forward pass = 1)", title="the same counts at each price table")
    right.margins(y=0.15)
    right.legend(frameon=False)
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return Path(path)
