"""Pictures and their tables of docs/compression.md, for `make_compression.py`: reuse, dataflows, Q-SNN's regulation.

``python docs/make_compression.py figures`` writes these alone.
"""

from pathlib import Path
from statistics import mean

from neurosim.api.studies import crossover, dataflows
from neurosim.arch import load_chip
from neurosim.report.figure_crossover import crossover_figure
from neurosim.report.figure_dataflows import dataflows_figure
from neurosim.report.figure_style import DPI, SIZE, SMALL_SIZE, save
from neurosim.report.text_dataflows import title
from neurosim.run import simulate
from neurosim.snn import Network
from neurosim.workload.workload import load_workload

IMAGES = Path(__file__).parent / "img"
SAMPLES = 100
CODEBOOKS = ("mnist-conv-s2-k16", "mnist-conv-s2-k32", "mnist-conv-s2-k64")
WIDTHS = (8, 4, 2)
CHIPS = ("edge-28nm", "edge-28nm-layer")
PLAIN, REGULATED = "#2166AC", "#E08214"
BITS = (("weights", "#2166AC"), ("membranes", "#B2182B"), ("spikes of one timestep", "#1B7837"))


def reuse_table() -> list[str]:
    """The crossover picture; one line a shipped codebook layer."""
    found = crossover(CODEBOOKS, samples=SAMPLES)
    crossover_figure(found, IMAGES / "codebook_crossover.png")
    lines = [
        "| workload | firing rate | windows hit | if independent | additions, decode | reuse | decode / reuse | "
        "formula | energy, decode nJ | reuse nJ | decode / reuse | cycles, decode | reuse |",
        "|---|" + "---:|" * 12,
    ]
    for p in found["points"]:
        d, r = p["decode"], p["reuse"]
        shares = " | ".join(f"{100 * p[name]:.1f} %" for name in ("rate", "windows", "windows_independent"))
        lines.append(
            f"| {short(p['workload'])} | {shares} | {d['additions']:,.0f} | {r['additions']:,.0f} | "
            f"{d['additions'] / r['additions']:.2f} | {p['formula']:.2f} | {d['pj'] / 1000:.0f} | "
            f"{r['pj'] / 1000:.0f} | {d['pj'] / r['pj']:.2f} | {d['quanta']:,.0f} | {r['quanta']:,.0f} |"
        )
    return lines


def dataflows_table() -> list[str]:
    """The picture of the three dataflows; one line a dataflow and number of timesteps."""
    others = [f"mnist-conv-q-u{bits}" for bits in WIDTHS]
    found = dataflows("mnist-conv-mfp-w1-history", stored=others, samples=SAMPLES)
    dataflows_figure(found, IMAGES / "dataflows.png")
    parts = ("membranes", "spikes", "sums", "weights", "additions", "other", "total")
    lines = [
        f"| membranes | T | {' nJ | '.join(parts)} nJ | cycles | additions | membrane words | spikes buffered, bits |",
        "|---|" + "---:|" * 12,
    ]
    for row in found["rows"]:
        energies = " | ".join(f"{row[f'{name}_pj'] / 1000:,.1f}" for name in parts)
        counts = ("quanta", "additions", "membrane_words", "spike_buffer_bits")
        lines.append(
            f"| {title(row, found['workload'])} | {row['timesteps']} | {energies} | "
            f"{' | '.join(f'{row[name]:,.0f}' for name in counts)} |"
        )
    return lines


def regulation_table() -> list[str]:
    """The picture of what regulation costs; one line a membrane width."""
    cases = {(bits, reg): load_workload(f"mnist-conv-q-u{bits}{'-reg' * reg}") for bits in WIDTHS for reg in (0, 1)}
    energy = {
        (chip, *case): simulate(work.network, load_chip(chip), work.stimulus(SAMPLES)).energy_pj / SAMPLES / 1000
        for chip in CHIPS
        for case, work in cases.items()
    }
    control = load_workload("mnist-conv-c-binary").network
    _regulation_figure(cases, energy, {24: control, **{bits: cases[bits, 0].network for bits in WIDTHS}})
    lines = [
        "| membrane bits | accuracy | with regulation | synaptic events | with regulation | price in events, by seed | "
        + " | ".join(f"{chip} nJ | with regulation" for chip in CHIPS)
        + " |",
        "|---|" + "---:|" * (5 + 2 * len(CHIPS)),
    ]
    for bits in WIDTHS:
        plain, reg = (cases[bits, k].card for k in (0, 1))
        name = "synaptic_events_a_sample"
        price = [100 * (b / a - 1) for a, b in zip(plain[name]["by_seed"], reg[name]["by_seed"], strict=True)]
        accuracies = " | ".join(f"{100 * c['accuracy']['mean']:.1f} %" for c in (plain, reg))
        events = " | ".join(f"{c[name]['mean']:,.0f} ± {c[name]['deviation']:,.0f}" for c in (plain, reg))
        nanojoules = " | ".join(f"{energy[chip, bits, k]:,.0f}" for chip in CHIPS for k in (0, 1))
        by_seed = ", ".join(f"{p:+.0f} %" for p in price)
        lines.append(f"| {bits} | {accuracies} | {events} | {by_seed} | {nanojoules} |")
    return lines


def short(name: str) -> str:
    return name.removeprefix("mnist-conv-")


def stored_bits(network: Network) -> dict[str, float]:
    """Bits by `BITS`, as the network states them: no padding, no index, whatever chip it runs on."""
    weights = sum(
        p.connectivity.weights.size * p.codec.bits for p in network.projections if p.connectivity.event == "synapse"
    )
    membranes = sum(p.n_neurons * sum(s.width_bits for s in p.model.states) for p in network.populations)
    senders = {p.source for p in network.projections}
    spikes = sum(p.n_neurons * network.value_bits(p.name) for p in network.populations if p.name in senders)
    return dict(zip((name for name, _ in BITS), (weights, membranes, spikes), strict=True))


def _regulation_figure(cases: dict, energy: dict, widths: dict[int, Network]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.3), layout="constrained", dpi=DPI)
    axes = figure.subplots(1, 4, width_ratios=(1.1, 1, 1, 1.1))
    for axis in axes:
        axis.tick_params(labelsize=SMALL_SIZE)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlabel("membrane bits", fontsize=SIZE)
    places = range(len(WIDTHS))
    for reg, colour, shift in ((0, PLAIN, -0.2), (1, REGULATED, 0.2)):
        label = "with regulation" if reg else "without"
        for x, bits in zip(places, WIDTHS, strict=True):
            seeds = [n / 1000 for n in cases[bits, reg].card["synaptic_events_a_sample"]["by_seed"]]
            axes[0].bar(x + shift, mean(seeds), 0.38, color=colour, alpha=0.75, label=label if x == 0 else None)
            axes[0].plot([x + shift] * len(seeds), seeds, "o", color="black", markersize=3)
        for axis, chip in zip(axes[1:3], CHIPS, strict=True):
            values = [energy[chip, bits, reg] for bits in WIDTHS]
            bars = axis.bar([x + shift for x in places], values, 0.38, color=colour, alpha=0.75)
            axis.bar_label(bars, [f"{v:,.0f}" for v in values], fontsize=SMALL_SIZE - 1.5, padding=1)
            axis.set_title(f"energy on {chip}, nJ", fontsize=SIZE, loc="left")
    axes[0].set_title("synaptic events a sample, thousands", fontsize=SIZE, loc="left")
    for axis in axes[:3]:
        axis.set_xticks(list(places), [str(bits) for bits in WIDTHS])
    bottom = dict.fromkeys(widths, 0.0)
    for name, colour in BITS:
        values = [stored_bits(network)[name] / 1000 for network in widths.values()]
        axes[3].bar(
            range(len(widths)), values, 0.65, bottom=list(bottom.values()), color=colour, alpha=0.75, label=name
        )
        bottom = {bits: b + v for (bits, b), v in zip(bottom.items(), values, strict=True)}
    axes[3].set_xticks(range(len(widths)), [f"{bits}\n(control)" if bits == 24 else str(bits) for bits in widths])
    axes[3].set_title("bits stored, thousands", fontsize=SIZE, loc="left")
    axes[3].legend(fontsize=SMALL_SIZE, frameon=False, loc="upper right")
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=SMALL_SIZE, ncols=2, loc="outside lower left",
                  frameon=False)  # fmt: skip
    figure.suptitle("Q-SNN: what dual regulation costs, and where the bits are", x=0.01, ha="left", fontsize=SIZE + 1)
    save(figure, IMAGES / "qsnn_regulation.png")


TABLES = {"reuse": reuse_table, "dataflows": dataflows_table, "regulation": regulation_table}
