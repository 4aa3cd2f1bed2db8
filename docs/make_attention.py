"""Writes the tables of docs/attention.md: run from the repository's top folder, ``python docs/make_attention.py``.

Accuracy is that of the cards (three seeds, all 1,000 test images); energy and time are runs of the shipped first seed
on edge-28nm.
"""

from dataclasses import replace
from math import fsum
from pathlib import Path

import numpy as np

from neurosim.arch import load_chip
from neurosim.energy.conventions.executed import activity_of_run
from neurosim.energy.conventions.proxy import syops
from neurosim.energy.table import LEAKAGE
from neurosim.run import simulate
from neurosim.snn import (
    AndPopcount,
    Input,
    Leak,
    Lif,
    MaskedSum,
    Network,
    Population,
    Projection,
    Readout,
    Stimulus,
)
from neurosim.workload.workload import load_workload

SAMPLES = 100
PAGE = Path(__file__).parent / "attention.md"
BEGIN, END = "<!-- table {} -->", "<!-- end {} -->"
RIVALS = ("mnist-bestformer", "mnist-conv-c-binary", "mnist-conv-q-u2", "mnist-mlp-w1")
# Parts of the network, by what a reader calls them; what is on no part's account is the chip's own.
MODULES = {
    "tokenizer": ("stem", "tokens", "x", "input->stem", "stem->tokens", "tokens->x", "input"),
    "residual stream, recomputed": ("tokens->mlp_in", "tokens->last", "mixed->last"),
    "query, key, value": ("query", "key", "value", "x->query", "x->key", "x->value"),
    "attention products": ("query->map", "key->map", "map->mixed", "value->mixed"),
    "map and mixed neurons": ("map", "mixed"),
    "attention's projection, MLP": ("mixed->mlp_in", "mlp_in", "mlp_in->hidden", "hidden", "hidden->last", "last"),
    "heads": ("mlp_in->output", "last->output", "output"),
}


def modules(name: str) -> list[str]:
    """Energy of a sample by module: memories and arithmetic, packets apart."""
    work = load_workload(name)
    result = simulate(work.network, load_chip("edge-28nm"), work.stimulus(SAMPLES))
    parts = {k[0]: v for k, v in result.energy.by("part").items()}
    total = result.energy_pj
    rows, left = ["| module | nJ a sample | share % |", "|---|---:|---:|"], dict(parts)
    for module, names in MODULES.items():
        pj = fsum(left.pop(n, 0.0) for n in names)
        rows.append(f"| {module} | {pj / SAMPLES / 1000:,.1f} | {100 * pj / total:.1f} |")
    standing = ("core_clock", "router_clock", "core_logic", "router", "synaptic_memory", "membrane_memory",
                "axon_table", "routing_table", "loading")  # fmt: skip
    pj = fsum(left.pop(n, 0.0) for n in standing)
    rows.append(f"| clocks, leakage, loading | {pj / SAMPLES / 1000:,.1f} | {100 * pj / total:.1f} |")
    pj = fsum(left.values())
    rows.append(f"| packets, axon tables, barrier ({', '.join(sorted(left))}) | {pj / SAMPLES / 1000:,.1f} | "
                f"{100 * pj / total:.1f} |")  # fmt: skip
    return [*rows, f"| all | {total / SAMPLES / 1000:,.1f} | 100 |"]


def claim(result) -> str:
    """What the syops rule claims, nJ a sample, and the share of attention products in it."""
    activity = activity_of_run("run", result.layers)
    whole = fsum(term.value for term in syops(activity))
    products = fsum(
        fsum(term.value for term in syops(replace(activity, layers=(layer,))))
        for layer in activity.layers
        if layer.kind == "attention"
    )
    return f"{whole / 1000:,.0f} | {100 * products / whole:.1f}"


def rivals() -> list[str]:
    rows = [
        "| workload | T | accuracy % | spikes a sample | synaptic events | edge-28nm nJ | without leakage | cycles | "
        "syops rule nJ | attention in it % |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in RIVALS:
        work = load_workload(name)
        result = simulate(work.network, load_chip("edge-28nm"), work.stimulus(SAMPLES))
        accuracy = work.card.get("accuracy")
        if isinstance(accuracy, dict):
            shown = f"{100 * accuracy['mean']:.1f} ± {100 * accuracy['deviation']:.1f}"
        else:
            shown = f"{100 * work.card['accuracy_integer_test']:.1f} (one seed)"
        dynamic = result.energy.total_pj(False)
        events = result.synaptic_events["effective"] / SAMPLES
        rows.append(
            f"| {name} | {work.timesteps} | {shown} | {sum(result.spikes.values()) / SAMPLES:,.0f} | {events:,.0f} | "
            f"{result.energy_pj / SAMPLES / 1000:,.0f} | {dynamic / SAMPLES / 1000:,.0f} | "
            f"{result.cycles_total / SAMPLES:,.0f} | {claim(result)} |"
        )
    return rows


def attention_alone(side: int, heads: int = 3, per_head: int = 16) -> Network:
    """q, k, v from the host, a binary map, and the masked sum."""
    shape, leak, tokens = (heads * per_head, side, side), Leak("shift", shift=1), side**2
    populations = [Population(name, shape, Input()) for name in ("query", "key", "value")]
    populations.append(Population("map", (heads, tokens, tokens), Lif(2, leak, membrane_bits=24)))
    populations.append(Population("mixed", shape, Lif(2, leak, reset="hard", membrane_bits=24)))
    ends = (
        ("query", "map", AndPopcount(heads, "query")), ("key", "map", AndPopcount(heads, "key")),
        ("map", "mixed", MaskedSum(heads, "mask")), ("value", "mixed", MaskedSum(heads, "value")),
    )  # fmt: skip
    projections = tuple(Projection(a, b, operator, port=operator.operand) for a, b, operator in ends)
    return Network(tuple(populations), projections, Readout("mixed", "membrane"), f"attention {tokens}")


def sweep() -> list[str]:
    """Energy without leakage of 4 timesteps against the number of tokens, random spikes at a rate of 0.15."""
    chip = load_chip("edge-28nm")
    # 400 cores, so that the largest map has room; standing power is left out of every figure.
    chip = chip.model_copy(update={"mesh": chip.mesh.model_copy(update={"width": 20, "height": 20})})
    rows = [
        "| tokens | cores | map membranes kbit | operand rows kbit | products nJ | map's neurons nJ | "
        "all packets nJ | nJ a token |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for side in (4, 7, 10, 14):
        network, tokens = attention_alone(side), side**2
        spikes = np.random.default_rng(0).random((2, 4, 3 * 48 * tokens)) < 0.15
        result = simulate(network, chip, Stimulus.from_dense(spikes), timing="estimate")
        part = {
            name: fsum(leaf.energy_pj for leaf in result.energy.leaves if leaf.part in names and leaf.action != LEAKAGE)
            / 2000
            for name, names in (
                ("products", MODULES["attention products"]), ("map", ("map",)), ("packets", ("axons", "mesh")),
            )
        }  # fmt: skip
        bits = {"membrane": 0, "operand": 0}
        for line in result.footprint_lines:
            if line["content"] in bits and (line["part"] == "map" or line["content"] == "operand"):
                bits[line["content"]] += line["used_bits"]
        rows.append(
            f"| {tokens} | {result.fit['cores_used']} | {bits['membrane'] / 1000:,.0f} | {bits['operand'] / 1000:,.1f} "
            f"| {part['products']:,.1f} | {part['map']:,.1f} | {part['packets']:,.1f} | "
            f"{sum(part.values()) / tokens:,.2f} |"
        )
    return rows


def main() -> None:
    text = PAGE.read_text("utf-8")
    for key, rows in (("modules", modules("mnist-bestformer")), ("rivals", rivals()), ("sweep", sweep())):
        head, rest = text.split(BEGIN.format(key))
        tail = rest.split(END.format(key))[1]
        text = f"{head}{BEGIN.format(key)}\n\n" + "\n".join(rows) + f"\n\n{END.format(key)}{tail}"
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
