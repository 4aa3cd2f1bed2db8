"""From one network's energy to another's, one change after the other: quantise, prune, firing change.

Both networks have the same populations, so the spikes of one can be sent through the other. With E(network, spikes):

start    E(A, spikes of A), the run of A.
quantise to E(Q, spikes of A), Q being A's connections stored in B's formats, with B's neurons.
prune    to E(B, spikes of A), B's own connections.
firing   to E(B, spikes of B), the run of B.

The steps sum to the difference exactly. Another order would share the same difference out otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import fsum

import numpy as np

from neurosim.arch import Chip, LayerChip
from neurosim.energy.codebook import map_for_trace
from neurosim.energy.price_run import price_run
from neurosim.energy.table import EnergyTable
from neurosim.engine.activity import count_activity
from neurosim.engine.function import run_function
from neurosim.engine.layer import plan_layers, run_layers
from neurosim.engine.layer_activity import count_layer_activity
from neurosim.engine.lower import lower_timing
from neurosim.engine.timing import run_timing
from neurosim.errors import NeurosimError
from neurosim.mapping.map import map_network
from neurosim.snn.codecs import Codec
from neurosim.snn.network import Network, Projection
from neurosim.snn.trace import SpikeTrace, Stimulus

QUANTISE, PRUNE, BOTH, FIRING = "quantise", "prune", "quantise and prune", "firing change"
WHAT = {
    QUANTISE: "weights and membranes in the other's formats, same connections, same spikes",
    PRUNE: "the other's connections, same spikes",
    BOTH: "the other's formats and connections in one, same spikes",
    FIRING: "the other's spikes",
}


@dataclass(frozen=True)
class Waterfall:
    """pJ of one sample. ``by_component``: the change of each step by component; ``reason``: why there are no steps."""

    start: str
    end: str
    start_pj: float = 0.0
    end_pj: float = 0.0
    steps: tuple[tuple[str, float], ...] = ()
    by_component: tuple[tuple[str, dict[str, float]], ...] = ()
    reason: str | None = None


def energy_with_spikes(network: Network, chip: Chip | LayerChip, trace: SpikeTrace, capacity: str) -> EnergyTable:
    """What ``chip`` spends when ``network`` handles the spikes of ``trace``, whoever fired them.

    The trace's populations must be the network's, in number and size. Raises NeurosimError for what does not fit.
    """
    if isinstance(chip, LayerChip):
        layers = map_for_trace(network, chip, trace, capacity=capacity)
        plan = plan_layers(network, chip, layers)
        timing = run_layers(plan, trace)
        activity = count_layer_activity(network, plan, timing, trace)
        return price_run(chip, activity, int(timing.cycles.sum()), layers.memory)
    mapping = map_network(network, chip, capacity=capacity)
    plan = lower_timing(network, chip, mapping, trace.timesteps)
    timing = run_timing(plan, trace)
    activity = count_activity(network, chip, mapping, plan, timing, trace)
    return price_run(chip, activity, int(timing.round_cycles.sum()), mapping.memory, mapping.cores_used)


def waterfall(start: Network, end: Network, chip: Chip | LayerChip, stimulus: Stimulus, capacity: str) -> Waterfall:
    """The steps from ``start`` to ``end`` on the same chip and stimulus; names are the networks' own.

    Raises NeurosimError where populations differ, or one of the networks does not run on the chip.
    """
    _check_same_populations(start, end)
    spikes = [run_function(network, stimulus) for network in (start, end)]
    chain = [(None, energy_with_spikes(start, chip, spikes[0], capacity))]
    if _same_connections(start, end):
        chain.append((QUANTISE, energy_with_spikes(end, chip, spikes[0], capacity)))
    else:
        between = _in_formats_of(start, end)
        if between is not None:
            chain.append((QUANTISE, energy_with_spikes(between, chip, spikes[0], capacity)))
        chain.append((PRUNE if between is not None else BOTH, energy_with_spikes(end, chip, spikes[0], capacity)))
    chain.append((FIRING, energy_with_spikes(end, chip, spikes[1], capacity)))
    n = stimulus.n_samples
    pairs = [(name, before, after) for (_, before), (name, after) in pairwise(chain)]
    return Waterfall(
        start.name,
        end.name,
        chain[0][1].total_pj() / n,
        chain[-1][1].total_pj() / n,
        tuple((name, (after.total_pj() - before.total_pj()) / n) for name, before, after in pairs),
        tuple((name, _difference(before, after, n)) for name, before, after in pairs),
    )


def _difference(before: EnergyTable, after: EnergyTable, samples: int) -> dict[str, float]:
    """pJ of one sample by component, the largest change first."""
    old, new = before.by_component(), after.by_component()
    changes = {name: fsum((new.get(name, 0.0), -old.get(name, 0.0))) / samples for name in {*old, *new}}
    return dict(sorted(changes.items(), key=lambda item: (-abs(item[1]), item[0])))


def _check_same_populations(start: Network, end: Network) -> None:
    shapes = [[(p.name, p.shape) for p in network.populations] for network in (start, end)]
    if shapes[0] != shapes[1]:
        raise NeurosimError(
            f"waterfall {start.name} to {end.name}: their populations differ ({_shapes(start)}; {_shapes(end)}), so "
            "the spikes of one cannot be sent through the other; name two networks with the same populations"
        )


def _shapes(network: Network) -> str:
    return ", ".join(f"{p.name} {'x'.join(map(str, p.shape))}" for p in network.populations)


def _edges(network: Network) -> dict[tuple[str, str, int], Projection]:
    return {(p.source, p.target, p.delay): p for p in network.projections}


def _same_connections(start: Network, end: Network) -> bool:
    """Whether both have the same kind and number of connections, and as many weights that are not zero."""

    def described(network: Network) -> dict:
        return {
            edge: (p.connectivity.kind, network.connections(p), _weights_set(p)) for edge, p in _edges(network).items()
        }

    return described(start) == described(end)


def _weights_set(projection: Projection) -> tuple[int, int]:
    weights = projection.connectivity.weights
    return (0, 0) if weights is None else (int(weights.size), int(np.count_nonzero(weights)))


def _in_formats_of(start: Network, end: Network) -> Network | None:
    """``start``'s connections stored as ``end`` stores its own; None where they have not the same projections, or the
    formats cannot write them (codewords of whole kernels)."""
    old, new = _edges(start), _edges(end)
    if list(old) != list(new):
        return None
    projections = []
    try:
        for edge, projection in new.items():
            connectivity = old[edge].connectivity
            if connectivity.weights is not None:
                weights = _placeholder(connectivity.weights, projection.codec)
                connectivity = replace(connectivity, weights=weights)
            projections.append(replace(projection, connectivity=connectivity))
        return replace(end, projections=tuple(projections))
    except (NeurosimError, TypeError, ValueError):
        return None


def _placeholder(weights: np.ndarray, codec: Codec) -> np.ndarray:
    """Any weights of the format with the same zeros: energy knows a weight's place and width, not its value."""
    made = np.zeros(weights.shape, np.float32 if codec.kind == "float32" else np.int32)
    made[weights != 0] = 1
    if codec.kind == "binary" or getattr(codec, "grid", "") == "odd":
        made[made == 0] = 1
    return made
