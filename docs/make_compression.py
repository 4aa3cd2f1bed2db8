"""Writes the tables and pictures of docs/compression.md, from the repository's top folder:

    python docs/make_compression.py            # all of them
    python docs/make_compression.py figures    # only the pictures and their tables (make_compression_figures.py)

Accuracy, spikes and synaptic events are those of the cards (three seeds, all 1,000 test images); energy and memory are
runs of the shipped first seed.
"""

import sys
from dataclasses import replace
from pathlib import Path

from make_compression_figures import TABLES

from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.run import simulate
from neurosim.snn import BinaryCodec, CodebookCodec, IntCodec, Network
from neurosim.workload.workload import Workload, list_workloads, load_workload

SAMPLES = 100
PAGE = Path(__file__).parent / "compression.md"
BEGIN, END = "<!-- table {} -->", "<!-- end {} -->"
PROXY_PJ = 0.9
GROUPS = {
    "controls": ["c-float", "c-w8", "c-w4", "c-ternary", "c-binary"],
    "qp": [f"qp-w{bits}{cut}" for bits in (4, 2) for cut in ("", "-s50", "-mag50", "-rand50", "-unstr50")],
    "q": [f"q-u{bits}{tail}" for bits in (8, 4, 2) for tail in ("", "-reg")],
    "s2": ["s2-k64", "s2-k32", "s2-k16", "s2-k16-plain"],
    "mfp": ["mfp-w1", "mfp-w1-history"],
}
HEAD = (
    "| workload | bits a weight | membrane bits | accuracy % | spikes | synaptic events | "
    "edge-28nm nJ | weights + indices kbit | edge-28nm-layer nJ | loihi-silicon nJ | proxy nJ |"
)


def for_plain_chip(network: Network) -> Network:
    """The same values in formats every chip has: odd integers one bit wider, codewords as single signs."""
    projections = []
    for p in network.projections:
        codec = p.codec
        if isinstance(codec, CodebookCodec):
            codec = BinaryCodec()
        elif isinstance(codec, IntCodec) and codec.grid == "odd":
            codec = IntCodec(codec.width_bits + 1)
        projections.append(replace(p, codec=codec))
    return replace(network, projections=tuple(projections))


def energy_nj(network: Network, work: Workload, chip: str) -> str:
    """Energy of a sample, or a dash where the chip cannot hold the network."""
    try:
        result = simulate(network, load_chip(chip), work.stimulus(SAMPLES))
    except NeurosimError as error:
        print(f"{work.name} on {chip}: {error}")
        return "-"
    return f"{result.energy_pj / SAMPLES / 1000:,.0f}"


def row(name: str) -> str:
    """One line of a table, everything by sample."""
    work = load_workload(name)
    card = work.card
    edge = simulate(work.network, load_chip("edge-28nm"), work.stimulus(SAMPLES))
    layer, loihi = energy_nj(work.network, work, "edge-28nm-layer"), "-"
    if work.network.is_integer:
        loihi = energy_nj(for_plain_chip(work.network), work, "loihi-silicon")
    accuracy, spikes, events = (card[k] for k in ("accuracy", "spikes_a_sample", "synaptic_events_a_sample"))
    stored = edge.footprint["synaptic_memory"]["used_bits"] / 1000
    proxy = PROXY_PJ * events["mean"] / 1000
    return (
        f"| {name.removeprefix('mnist-conv-')} | {card['storage']['bits_a_weight']:.2f} | "
        f"{card['membrane_bits']['hidden']} | {100 * accuracy['mean']:.1f} ± {100 * accuracy['deviation']:.1f} | "
        f"{spikes['mean']:,.0f} ± {spikes['deviation']:,.0f} | {events['mean']:,.0f} ± {events['deviation']:,.0f} | "
        f"{edge.energy_pj / SAMPLES / 1000:,.0f} | {stored:,.0f} | {layer} | {loihi} | {proxy:,.0f} |"
    )


def filled(text: str, table: str, lines: list[str]) -> str:
    """The page with one table in its place."""
    print("\n".join(lines), flush=True)
    begin, end = BEGIN.format(table), END.format(table)
    before, rest = text.split(begin)
    return before + begin + "\n\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1]


def main(only: str | None) -> None:
    """Fill in every table whose workloads ship, and draw the pictures."""
    text, shipped = PAGE.read_text("utf-8"), set(list_workloads())
    for group, names in ({} if only == "figures" else GROUPS).items():
        names = [f"mnist-conv-{name}" for name in names]
        rows = [row(name) for name in names if name in shipped]
        text = filled(text, group, [HEAD, "|---|" + "---:|" * (HEAD.count("|") - 2), *rows])
    for table, write in TABLES.items():
        text = filled(text, table, write())
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
