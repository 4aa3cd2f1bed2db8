"""When a population works: lags under next-step delivery, levels under same-step delivery, and the table of rounds.

next_step: a spike sent in a chip step arrives in the next one. Each population runs L steps late, L minimal with
d + L(target) - L(source) >= 1 on every projection; what exceeds 1 is delay storage. same_step: a timestep has one
round for each level of the network, a barrier after each.
"""

from __future__ import annotations

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.mapping.mapping import IDLE, NOT_IN_ROUND
from neurosim.snn.network import Network


def levels(network: Network) -> np.ndarray:
    """Depth of each population over delay-0 projections, (n_populations,) int32."""
    level = np.zeros(len(network.populations), np.int32)
    for position in network.update_order:
        for p in network.projections:
            if p.delay == 0 and network.index[p.source] == position:
                target = network.index[p.target]
                level[target] = max(level[target], level[position] + 1)
    return level


def lags(network: Network) -> np.ndarray:
    """Minimal lags under next-step delivery, (n_populations,) int32. Raises NeurosimError for a loop without delays."""
    n = len(network.populations)
    lag = np.zeros(n, np.int32)
    for sweep in range(n + 1):
        changed = ""
        for p in network.projections:
            source, target = network.index[p.source], network.index[p.target]
            needed = lag[source] + 1 - p.delay
            if needed > lag[target]:
                lag[target] = needed
                changed = p.name
        if not changed:
            return lag
        if sweep == n:
            break
    raise NeurosimError(
        f"projection {changed}: part of a loop with fewer delays than projections, which a chip with next-step "
        "delivery cannot run; add a delay to the loop or use a chip with same_step delivery"
    )


def extra_delay(network: Network, lag: np.ndarray, delivery: str) -> list[int]:
    """Timesteps that the spikes of each projection must be stored at the target beyond what delivery gives."""
    if delivery == "same_step":
        return [p.delay for p in network.projections]
    return [int(p.delay + lag[network.index[p.target]] - lag[network.index[p.source]] - 1) for p in network.projections]


def round_table(network: Network, lag: np.ndarray, level: np.ndarray, delivery: str, timesteps: int) -> np.ndarray:
    """Network timestep of each population in each round, (n_rounds, n_populations) int32."""
    n = len(network.populations)
    if delivery == "same_step":
        depth = int(level.max()) + 1
        table = np.full((timesteps * depth, n), NOT_IN_ROUND, np.int32)
        for t in range(timesteps):
            for k in range(depth):
                table[t * depth + k, level == k] = t
        return table
    n_rounds = timesteps + int(lag.max())
    steps = np.arange(n_rounds, dtype=np.int32)[:, None] - lag[None, :]
    outside = (steps < 0) | (steps >= timesteps)
    is_input = np.array([p.model.kind == "input" for p in network.populations])
    idle = np.where(is_input, NOT_IN_ROUND, IDLE).astype(np.int32)
    return np.where(outside, idle[None, :], steps).astype(np.int32)
