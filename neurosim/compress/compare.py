"""Two networks on one stimulus: where their spikes differ, population by population, and how often their answers do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.compress.relays import quantize_stimulus
from neurosim.engine.function import run_function
from neurosim.engine.readout import read_out
from neurosim.errors import NeurosimError
from neurosim.snn.network import Network, Population
from neurosim.snn.neuron import Input, Lif
from neurosim.snn.trace import SpikeTrace, Stimulus


@dataclass(frozen=True)
class Comparison:
    """``populations``: one row for each spiking population that both networks have.

    ``differing`` counts (sample, timestep, neuron) at which one spikes and the other does not; ``differing_share`` is
    that over all of them, ``differing_of_spikes`` over the first network's spikes. Channels that were pruned are
    counted apart (``spikes_pruned``). ``accuracy`` and ``accuracy_other`` are None without labels or readout;
    ``same_answers`` is the share of samples with the same answer.
    """

    samples: int
    timesteps: int
    populations: list[dict[str, Any]]
    accuracy: float | None
    accuracy_other: float | None
    same_answers: float | None
    clipped: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return dict(vars(self))

    def table(self):
        """The populations as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.populations)


def _matching(p: Population, q: Population) -> tuple[np.ndarray, np.ndarray]:
    """Neurons of ``p`` and of ``q`` that are the same ones, ascending, by the channel numbers that pruning left."""
    a = np.arange(p.shape[0]) if p.kept is None else p.kept
    b = np.arange(q.shape[0]) if q.kept is None else q.kept
    if p.shape[1:] != q.shape[1:] or (p.kept is None and q.kept is None and p.shape != q.shape):
        raise NeurosimError(
            f"compare: population {p.name!r} has shape {p.shape} in one network and {q.shape} in the other; only "
            "channels that pruning numbered can be missing"
        )
    _, i, j = np.intersect1d(a, b, return_indices=True)
    rest = np.arange(p.n_neurons // p.shape[0])
    return (i[:, None] * rest.size + rest).ravel(), (j[:, None] * rest.size + rest).ravel()


def _places(network: Network, trace: SpikeTrace, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Row (sample x T + timestep) and neuron of each spike of a population, both int64."""
    position = network.index[name]
    start, stop = network.offsets[position], network.offsets[position + 1]
    mine = (trace.neuron >= start) & (trace.neuron < stop)
    row = np.repeat(np.arange(trace.ptr.size - 1), np.diff(trace.ptr))
    return row[mine], trace.neuron[mine] - start


def _row(one: Network, two: Network, traces: tuple[SpikeTrace, SpikeTrace], name: str) -> dict[str, Any]:
    p, q = one.population(name), two.population(name)
    pairs = _matching(p, q)
    rows = traces[0].ptr.size - 1
    keys, counts, shared = [], [], pairs[0].size
    for network, trace, population, mine in zip((one, two), traces, (p, q), pairs, strict=True):
        number = np.full(population.n_neurons, -1)
        number[mine] = np.arange(mine.size)
        row, neuron = _places(network, trace, name)
        counts.append(row.size)
        inside = number[neuron] >= 0
        keys.append(row[inside] * shared + number[neuron[inside]])
    differing = int(np.setxor1d(*keys, assume_unique=True).size)
    return {
        "name": name, "neurons": p.n_neurons, "neurons_other": q.n_neurons, "spikes": counts[0],
        "spikes_other": counts[1], "spikes_pruned": counts[0] - keys[0].size, "differing": differing,
        "differing_share": differing / max(1, rows * shared), "differing_of_spikes": differing / max(1, keys[0].size),
    }  # fmt: skip


def compare(network: Network, other: Network, stimulus: Stimulus, *, threads: int | None = None) -> Comparison:
    """Run both networks on ``stimulus`` and count where they differ; see `Comparison`.

    Populations are matched by name, channels by `Population.kept`. A network whose inputs were quantised gets the
    stimulus in its own units. Raises NeurosimError where the two cannot be matched.
    """
    names = [p.name for p in network.populations if p.name in other.index and not isinstance(p.model, Input)]
    pairs = [(network.population(n), other.population(n)) for n in names]
    for p, q in pairs:
        _matching(p, q)
    given = [quantize_stimulus(n, stimulus) for n in (network, other)]
    traces = tuple(run_function(n, s, threads=threads) for n, s in zip((network, other), given, strict=True))
    answers = [read_out(n, t) for n, t in zip((network, other), traces, strict=True)]
    labels, both = stimulus.labels, None not in [None if a is None else 1 for a in answers]
    silent = [p.name for p, q in pairs if isinstance(p.model, Lif) and p.model.threshold is None]
    accuracy = [None if a is None or labels is None else float((a == labels).mean()) for a in answers]
    return Comparison(
        samples=stimulus.n_samples,
        timesteps=stimulus.timesteps,
        populations=[_row(network, other, traces, name) for name in names if name not in silent],
        accuracy=accuracy[0],
        accuracy_other=accuracy[1],
        same_answers=float((answers[0] == answers[1]).mean()) if both else None,
        clipped={p.name: int(n) for p, n in zip(other.populations, traces[1].saturations, strict=True) if n},
    )
