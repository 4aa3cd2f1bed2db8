"""Three ways to keep what a neuron remembers, on one layer chip: a membrane in memory, in a register, or none at all.

step_outer : one timestep of all layers, then the next; every membrane is read and written in every step.
t_inner : a layer for all timesteps (``time_window: all``); membranes stay in their lanes, weights are fetched once, and
    the spikes of all timesteps are buffered.
history : one timestep at a time and no membrane stored; each is worked out anew from its sources' spikes of all
    timesteps so far (``membranes: from_history``), which are kept and added again.

The three run the same network on the same stimulus. Halving a membrane must not round for that (docs/layer.md, section
9), so `finer` gives a network as many bits below the point as the longest run needs, with membranes that hold them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from neurosim.arch.layer import LayerChip
from neurosim.errors import NeurosimError
from neurosim.mapping.layer_engines import history_planes, kept_shift
from neurosim.run import simulate
from neurosim.snn.network import Network
from neurosim.snn.neuron import Lif
from neurosim.snn.trace import Stimulus

Progress = Callable[[str, int, int], None]
STEP_OUTER, T_INNER, HISTORY = DATAFLOWS = ("step_outer", "t_inner", "history")
_SETTINGS = {
    STEP_OUTER: {"time_window": 1, "membranes": "stored"},
    T_INNER: {"time_window": "all", "membranes": "stored"},
    HISTORY: {"time_window": 1, "membranes": "from_history"},
}
SHARES = {
    "membranes": ("membrane_memory",),
    "spikes": ("spike_buffer", "io"),
    "sums": ("partial_sum_buffer",),
    "weights": ("synaptic_memory", "weight_buffer"),
    "additions": ("accumulate", "array"),
}
"""Components of a layer chip by what they carry; updates and the rest are ``other``."""
MAX_MEMBRANE_BITS = 32


def with_dataflow(chip: LayerChip, dataflow: str) -> LayerChip:
    """The chip set to one of `DATAFLOWS`. Raises NeurosimError for another kind of chip, or one without the prices."""
    if not isinstance(chip, LayerChip):
        raise NeurosimError(
            f"chip {chip.name}: these are dataflows of a chip with execution 'layer', as edge-28nm-layer"
        )
    if dataflow == HISTORY and "history_fold" not in chip.energy:
        raise NeurosimError(f"chip {chip.name}: energy: no price for history_fold; add it (see edge-28nm-layer)")
    data = chip.model_dump(mode="json", by_alias=True, exclude_none=True)
    data["core"] |= _SETTINGS[dataflow]
    return LayerChip.model_validate(data)


def finer(network: Network, timesteps: int) -> Network:
    """``network`` with enough bits below the point for its layers to be worked out from a history of ``timesteps``.

    Weights, thresholds and biases keep their ratios; membranes get 32 bits. Layers that reset, or leak by what is no
    power of two, stay as they are. Unchanged if nothing is missing.
    """
    halved = {
        p.name: max(0, kept_shift(p.model.leak) or 0) * (timesteps - 1)
        for p in network.populations
        if isinstance(p.model, Lif) and p.model.reset == "none" and p.model.membrane_bits
    }
    more = {}
    for name, bits in halved.items():
        shifts = [p.weight_shift for p in network.projections if p.target == name]
        more[name] = max(0, bits - min(shifts, default=bits))
    populations = tuple(
        replace(p, model=_scaled(p.model, more[p.name])) if more.get(p.name) else p for p in network.populations
    )
    projections = tuple(replace(p, weight_shift=p.weight_shift + more.get(p.target, 0)) for p in network.projections)
    return replace(network, populations=populations, projections=projections) if any(more.values()) else network


def _scaled(model: Lif, bits: int) -> Lif:
    threshold = None if model.threshold is None else model.threshold << bits
    return replace(model, threshold=threshold, bias=model.bias << bits, membrane_bits=MAX_MEMBRANE_BITS)


def compare_dataflows(
    network: Network,
    chip: LayerChip,
    stimuli: dict[int, Stimulus],
    stored: dict[str, tuple[Network, dict[int, Stimulus]]],
    *,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """One row a dataflow and number of timesteps; ``stimuli`` and ``stored`` (networks run ``step_outer`` alone, on
    their own spikes) are by number of timesteps.

    A row: energies in pJ a sample (``total_pj``, and by `SHARES`), ``quanta``, ``additions`` executed and synaptic
    ``events`` a sample, bits of the membranes and of the spike buffer, ``accuracy``. Raises NeurosimError where no
    layer of ``network`` can do without its membranes.
    """
    exact = finer(network, max(stimuli))
    if not any(history_planes(exact, p, max(stimuli))[0] for p in exact.populations):
        layers = [p for p in exact.populations if p.model.kind != "input"]
        reasons = "; ".join(f"{p.name}: {history_planes(exact, p, max(stimuli))[1]}" for p in layers)
        raise NeurosimError(
            f"network {network.name}: no layer can do without its membranes ({reasons}); take one whose neurons never "
            "reset and keep a power of two of their membranes, as mnist-conv-mfp-w1-history"
        )
    runs = [(flow, exact, stimuli[t]) for t in sorted(stimuli) for flow in DATAFLOWS]
    runs += [(STEP_OUTER, other, given[t]) for other, given in stored.values() for t in sorted(given)]
    rows, first = [], {}
    for done, (flow, what, stimulus) in enumerate(runs, 1):
        result = simulate(what, with_dataflow(chip, flow), stimulus)
        rows.append(_row(flow, what, result))
        if what is exact:
            same = first.setdefault(result.timesteps, result)
            if (same.spikes, list(same.predictions)) != (result.spikes, list(result.predictions)):
                raise RuntimeError("internal error: two dataflows of one network gave other spikes")
        if progress is not None:
            progress("runs", done, len(runs))
    return rows


def _row(flow: str, network: Network, result: Any) -> dict[str, Any]:
    n = result.samples
    by_component: dict[str, float] = {}
    for (component,), pj in result.energy.by("component").items():
        by_component[component] = by_component.get(component, 0.0) + pj
    shares = {f"{name}_pj": sum(by_component.pop(c, 0.0) for c in parts) / n for name, parts in SHARES.items()}
    totals = result.activity.totals()
    added = ("accumulate_", "multiply_accumulate", "codeword_add", "partial_map_add", "history_fold")
    spiking = [p.model for p in network.populations if isinstance(p.model, Lif) and p.model.threshold is not None]
    return {
        "dataflow": flow, "network": network.name, "timesteps": result.timesteps,
        "membrane_bits": max((m.membrane_bits or 32 for m in spiking), default=0), "samples": n,
        "total_pj": result.energy_pj / n, **shares, "other_pj": sum(by_component.values()) / n,
        "quanta": result.cycles_total / n, "events": result.synaptic_events["effective"] / n,
        "additions": sum(count for action, count in totals.items() if action.startswith(added)) / n,
        "membrane_memory_bits": _state_bits(result), "accuracy": result.accuracy,
        "spike_buffer_bits": result.footprint["spike_buffer"]["used_bits"],
        "membrane_words": (totals.get("membrane_read", 0) + totals.get("membrane_write", 0)) / n,
        "stored_because": {r["layer"]: r["stored_because"] for r in result.fit["layers"] if "stored_because" in r},
    }  # fmt: skip


def _state_bits(result: Any) -> int:
    """Bits of membranes in their memory, parameters left out."""
    kept = ("threshold", "bias")
    return sum(
        int(np.int64(line["used_bits"]))
        for line in result.footprint_lines
        if line["memory"] == "membrane_memory" and line["content"] not in kept
    )
