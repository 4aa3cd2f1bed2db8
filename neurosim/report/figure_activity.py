"""What a run did: its spikes, how busy cores and links were, how long samples took, what it guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosim.report.figure_energy import result_caption
from neurosim.report.figure_style import (
    COLUMN_INCHES,
    SIZE,
    SMALL_SIZE,
    digits,
    house_axes,
    paper_figure,
    plain,
    save,
    unit_for,
)  # fmt: skip
from neurosim.report.figures import PALETTE
from neurosim.result import Result

# Yellow is too light for a line.
LINES = tuple(colour for colour in PALETTE if colour != "#F0E442")
MAX_BANDS = 12
MAX_CLASSES = 20


def spikes_figure(result: Result, path: Path) -> Path | None:
    """Every spike of the first sample, a band a layer, beside the firing rate by layer and timestep over all samples.

    None for a result of an older version, which kept no spikes.
    """
    if result.spikes_by_step is None:
        return None
    names = list(result.neurons)[:MAX_BANDS]
    bands = len(names)
    drawn = result.raster is not None
    said = [
        "Left: the first sample, a dash a spike; each layer has a band of its own, whatever its size. "
        if drawn
        else "The first sample has too many spikes to draw. ",
        "Right: spikes a neuron and timestep, all samples.",
        f"{len(result.neurons) - bands} more layers are not drawn." if len(result.neurons) > bands else "",
        *result_caption(result, constants=False),
    ]
    title = f"Spikes: {result.workload} on {result.chip}"
    figure = paper_figure(max(1.9, 0.5 + 0.4 * bands), title, [line for line in said if line])
    panels = figure.subplots(1, 2 if drawn else 1, width_ratios=[1.5, 1] if drawn else None, squeeze=False)[0]
    if drawn:
        _raster(house_axes(panels[0]), result, names)
    rates = house_axes(panels[-1])
    steps = np.arange(result.timesteps)
    for i, name in enumerate(names):
        rate = 100 * result.spikes_by_step[i] / (result.neurons[name] * result.samples)
        label = f"{plain(name, 24)} ({digits(float(rate.mean()))} %)"
        rates.plot(steps, rate, color=LINES[i % len(LINES)], linewidth=1.2, marker=".", markersize=3, label=label)
    rates.set_xlabel("timestep", fontsize=SIZE)
    rates.set_ylabel("firing rate (%)", fontsize=SIZE)
    rates.set_ylim(bottom=0)
    _whole_steps(rates, result.timesteps)
    rates.legend(fontsize=SMALL_SIZE - 1, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return save(figure, path)


def _raster(axes, result: Result, names: list[str]) -> None:
    offsets = np.concatenate([[0], np.cumsum(list(result.neurons.values()))])
    for i in range(len(names)):
        of_layer = (result.raster[:, 1] >= offsets[i]) & (result.raster[:, 1] < offsets[i + 1])
        step, neuron = result.raster[of_layer].T
        place = i + 0.06 + 0.88 * (neuron - offsets[i] + 0.5) / (offsets[i + 1] - offsets[i])
        # Drawn as one picture: tens of thousands of vector shapes would be slow to open.
        ends = (step - 0.38, step + 0.38)
        axes.hlines(place, *ends, color=LINES[i % len(LINES)], linewidth=0.35, rasterized=True)
    for i in range(1, len(names)):
        axes.axhline(i, color="#CCCCCC", linewidth=0.5)
    labels = [f"{plain(name, 24)}\n{result.neurons[name]:,}" for name in names]
    axes.set_yticks([i + 0.5 for i in range(len(names))], labels, fontsize=SMALL_SIZE)
    axes.set_ylim(len(names), 0)
    axes.set_ylabel("layer, its neurons", fontsize=SIZE)
    axes.set_xlabel("timestep", fontsize=SIZE)
    _whole_steps(axes, result.timesteps)


def _whole_steps(axes, timesteps: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(-0.5, timesteps - 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def latency_figure(result: Result, path: Path) -> Path | None:
    """How many samples took how long; None for a single sample."""
    if result.samples < 2:
        return None
    seconds = result.cycles_per_sample * result.quantum_ps * 1e-12
    scale, unit = unit_for([float(seconds.max())], "latency")
    values = seconds / scale
    # The smallest value that at least 99 % do not exceed.
    late = float(np.sort(values)[-(-99 * values.size // 100) - 1])
    guess = ["Times are an estimate."] if result.timing_mode == "estimate" else []
    said = [
        f"Mean {digits(float(values.mean()))}, median {digits(float(np.median(values)))}, 99 of 100 within "
        f"{digits(late)}, longest {digits(float(values.max()))} {unit}.",
        *guess,
        *result_caption(result, constants=False),
    ]
    figure = paper_figure(2.0, f"Latency: {result.workload} on {result.chip}", said, COLUMN_INCHES)
    axes = house_axes(figure.subplots())
    same = values.max() - values.min() < 1e-9 * values.max()
    axes.hist(values, bins=3 if same else min(30, max(5, round(values.size**0.5) * 2)), color=PALETTE[0])
    for value, style, label in ((float(values.mean()), "-", "mean"), (late, "--", "99 %")):
        axes.axvline(value, color="black", linewidth=0.9, linestyle=style, label=label)
    axes.legend(fontsize=SMALL_SIZE, framealpha=0.9, edgecolor="none")
    axes.set_xlabel(f"latency of a sample ({unit})", fontsize=SIZE)
    axes.set_ylabel("samples", fontsize=SIZE)
    return save(figure, path)


def confusion_figure(result: Result, path: Path) -> Path | None:
    """True class against predicted class; None without labels."""
    table = result.confusion
    if table is None:
        return None
    low, high = result.accuracy_interval
    silent = int((result.predictions < 0).sum())
    said = [
        f"Accuracy {100 * result.accuracy:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %, Wilson).",
        f"{silent} samples without an answer are not in the picture." if silent else "",
        *result_caption(result, constants=False),
    ]
    n = len(table)
    title = f"What it took for what: {result.workload} on {result.chip}"
    figure = paper_figure(2.9, title, [line for line in said if line], COLUMN_INCHES)
    axes = figure.subplots()
    shares = table / np.maximum(1, table.sum(axis=1, keepdims=True))
    image = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100)
    bar = figure.colorbar(image, ax=axes, shrink=0.8)
    bar.set_label("share of the true class (%)", fontsize=SMALL_SIZE)
    bar.ax.tick_params(labelsize=SMALL_SIZE)
    if n <= MAX_CLASSES:
        size = SMALL_SIZE if n <= 10 else SMALL_SIZE - 2.5
        for i, j in zip(*np.nonzero(table), strict=True):
            ink = "white" if shares[i, j] > 0.55 else "black"
            axes.text(j, i, str(table[i, j]), ha="center", va="center", fontsize=size, color=ink)
        axes.set_xticks(range(n))
        axes.set_yticks(range(n))
    axes.tick_params(labelsize=SMALL_SIZE)
    axes.set_xlabel("predicted class", fontsize=SIZE)
    axes.set_ylabel("true class", fontsize=SIZE)
    return save(figure, path)
