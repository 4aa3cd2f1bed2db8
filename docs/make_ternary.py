"""Writes the tables and figures of docs/ternary.md: run from the top folder, ``python docs/make_ternary.py``.

Encoders: what their decoders make of the real test signals, against the spikes they sent. Workloads: accuracy, spikes
and events of the cards (three seeds, the whole test part); energy is a run of the shipped first seed over all of it.
"""

from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from neurosim.arch import Chip, LayerChip, chip_from_data, load_chip
from neurosim.errors import NeurosimError
from neurosim.files import read_npz, replacing
from neurosim.report.label_points import label_points
from neurosim.result import Result
from neurosim.run import simulate
from neurosim.workload.encode_integers import IntegerRule, decode_integers, integer_changes
from neurosim.workload.workload import list_workloads, load_workload

FOLDER = Path(__file__).parent
PAGE = FOLDER / "ternary.md"
DATA = FOLDER.parent / "workloads" / "data"
BEGIN, END = "<!-- table {} -->", "<!-- end {} -->"
WINDOW = 20
THRESHOLDS = (2, 3, 4, 6, 8, 11, 16, 22, 32, 45)
HEAD = (
    "| workload | input, neurons | accuracy % | spikes | synaptic events | edge-28nm nJ | of it encoder | "
    "edge-28nm-layer nJ | loihi-silicon nJ | synaptic memory kbit |"
)
SAVED = {"format": "png", "metadata": {"Software": ""}}


def rule(kind: str, threshold: int) -> IntegerRule:
    """The encoders of the workloads at another threshold, their other numbers in proportion."""
    if kind == "tae":
        return IntegerRule("tae", threshold, up=1, down=1, low=threshold, high=2 * threshold, start="zero")
    if kind == "wide":
        low = max(1, threshold // 2)
        return IntegerRule("tae", threshold, up=1, down=2, low=low, high=8 * threshold, start="zero")
    return IntegerRule(kind, threshold, window=2, start="zero")


ENCODERS = {
    "step_forward": ("step-forward", "#0072B2", "o"),
    "tae": ("TAE, thresholds of 1 to 2", "#D55E00", "s"),
    "wide": ("TAE, thresholds of 1/2 to 8", "#009E73", "^"),
    "moving_window": ("moving window", "#CC79A7", "D"),
}


def quality(signals: np.ndarray, chosen: IntegerRule) -> tuple[float, float]:
    """(share of channels and steps with a spike in %, signal to noise in dB) over all of ``signals``."""
    spikes = integer_changes(signals, chosen)
    error = signals - decode_integers(spikes, chosen, 0)
    ratio = (signals.astype(float) ** 2).sum() / (error**2).sum()
    return 100 * float((spikes != 0).mean()), 10 * float(np.log10(ratio))


def encoder_table() -> list[str]:
    """Draw the curves; lines of the table at the threshold of the workloads."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
    lines = ["| encoder, threshold 8 | speech: spikes % | SNR dB | motion: spikes % | SNR dB |", "|---|" + "---:|" * 4]
    found: dict[str, list[float]] = {kind: [] for kind in ENCODERS}
    for axis, data in zip(axes, ("speech", "motion"), strict=True):
        signals = read_npz(DATA / f"{data}.npz")["signals"].astype(np.int64)
        for kind, (title, colour, mark) in ENCODERS.items():
            points = [quality(signals, rule(kind, threshold)) for threshold in THRESHOLDS]
            axis.plot(*zip(*points, strict=True), color=colour, marker=mark, ms=4, lw=1.1, label=title)
            at = points[THRESHOLDS.index(8)]
            axis.plot(*at, marker="o", ms=10, mfc="none", mec=colour, mew=0.9)
            found[kind] += at
        axis.set_title(f"{data}, test part", fontsize=9)
        axis.set_xlabel("spikes (% of channels and steps)", fontsize=8)
        axis.grid(alpha=0.25, linewidth=0.5)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("signal to noise of what comes back (dB)", fontsize=8)
    axes[0].legend(frameon=False, fontsize=7)
    with replacing(FOLDER / "img" / "ternary_snr.png") as temporary:
        figure.savefig(temporary, dpi=130, **SAVED)
    for kind, (title, _, _) in ENCODERS.items():
        lines.append(f"| {title} | " + " | ".join(f"{value:.1f}" for value in found[kind]) + " |")
    return lines


def run(name: str, chip: Chip | LayerChip) -> Result | None:
    """All test samples, or None where the chip refuses; the reason is printed."""
    work = load_workload(name)
    try:
        return simulate(work.network, chip, work.stimulus())
    except NeurosimError as error:
        print(f"{name} on {chip.name}: {error}")
        return None


def chips() -> list[Chip | LayerChip]:
    """Of the columns. The array's buffers hold the sums of 32 steps, so it works in windows of `WINDOW`."""
    array = load_chip("edge-28nm-layer").model_dump(by_alias=True, exclude_none=True)
    array["core"]["time_window"] = WINDOW
    return [load_chip("edge-28nm"), chip_from_data(array, "edge-28nm-layer in windows"), load_chip("loihi-silicon")]


def kind_of(name: str) -> str:
    """What enters and what the hidden neurons send."""
    network = load_workload(name).network
    signs = [network.is_ternary(p) for p in ("input", "hidden1")]
    return f"{'signed' if signs[0] else 'ON, OFF'}, {'ternary' if signs[1] else 'binary'}"


def workload_row(name: str) -> tuple[str, float]:
    """One line of the table, by sample; energy on edge-28nm in nJ."""
    card = load_workload(name).card
    edge, layer, loihi = (run(name, chip) for chip in chips())

    def energy(result: Result | None) -> str:
        return "-" if result is None else f"{result.energy_pj / result.samples / 1000:,.1f}"

    encoder = sum(leaf.energy_pj for leaf in edge.energy.leaves if leaf.component == "encoder") / edge.samples / 1000
    accuracy, spikes, events = (card[k] for k in ("accuracy", "spikes_a_sample", "synaptic_events_a_sample"))
    stored = edge.footprint["synaptic_memory"]["used_bits"] / 1000
    line = (
        f"| {name} | {kind_of(name)} | {100 * accuracy['mean']:.1f} ± {100 * accuracy['deviation']:.1f} | "
        f"{spikes['mean']:,.0f} ± {spikes['deviation']:,.0f} | {events['mean']:,.0f} ± {events['deviation']:,.0f} | "
        f"{energy(edge)} | {encoder:.1f} | {energy(layer)} | {energy(loihi)} | {stored:,.1f} |"
    )
    return line, edge.energy_pj / edge.samples / 1000


KINDS = {
    "signed, ternary": ("#D55E00", "s"),
    "signed, binary": ("#009E73", "^"),
    "ON, OFF, binary": ("#0072B2", "o"),
}


def draw(energies: dict[str, float]) -> None:
    """Accuracy against synaptic events and against energy, whole numbers of two bits alone."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 5.5), layout="constrained", sharey=True)
    seen = set()
    places: tuple[list, list] = ([], [])
    for name, energy in energies.items():
        card = load_workload(name).card
        kind = kind_of(name)
        colour, mark = KINDS[kind]
        y, dy = 100 * card["accuracy"]["mean"], 100 * card["accuracy"]["deviation"]
        events = card["synaptic_events_a_sample"]
        label = None if kind in seen else f"{kind} neurons"
        seen.add(kind)
        look = {"color": colour, "marker": mark, "ms": 5, "lw": 0.8, "ls": "none"}
        axes[0].errorbar(events["mean"] / 1000, y, dy, events["deviation"] / 1000, label=label, **look)
        axes[1].errorbar(energy, y, dy, **look)
        for spots, x in zip(places, (events["mean"] / 1000, energy), strict=True):
            spots.append((x, y))
    axes[0].set_xlabel("thousand synaptic events a sample", fontsize=8)
    axes[1].set_xlabel("energy a sample on edge-28nm, encoder included (nJ)", fontsize=8)
    axes[0].set_ylabel("accuracy (%), mean and deviation of three seeds", fontsize=8)
    axes[0].legend(frameon=False, fontsize=7, loc="center right")
    for axis in axes:
        axis.grid(alpha=0.25, linewidth=0.5)
        axis.tick_params(labelsize=7)
        axis.margins(x=0.14)
        axis.spines[["top", "right"]].set_visible(False)
    for axis, spots in zip(axes, places, strict=True):
        label_points(axis, spots, [name.removeprefix("speech-") for name in energies])
    with replacing(FOLDER / "img" / "ternary_accuracy.png") as temporary:
        figure.savefig(temporary, dpi=130, **SAVED)


def main() -> None:
    """Fill in the tables of the page and draw its figures."""
    tables = {"encoders": encoder_table()}
    energies = {}
    shipped = list_workloads()
    order = ("tae-t2", "mixed", "onoff")
    for data in ("speech", "motion"):
        names = [n for n in shipped if n.startswith(f"{data}-")]
        names.sort(key=lambda n: order.index(n.split("-", 1)[1]) if n.split("-", 1)[1] in order else len(order))
        tables[data] = [HEAD, "|---|---|" + "---:|" * (HEAD.count("|") - 3)]
        for name in names:
            line, energy = workload_row(name)
            tables[data].append(line)
            if data == "speech" and load_workload(name).network.is_integer:
                energies[name] = energy
    draw(energies)
    text = PAGE.read_text("utf-8")
    for group, lines in tables.items():
        print("\n".join(lines), flush=True)
        begin, end = BEGIN.format(group), END.format(group)
        before, rest = text.split(begin)
        text = before + begin + "\n\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1]
    with replacing(PAGE) as temporary:
        temporary.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
