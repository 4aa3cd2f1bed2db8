"""Structured pruning: channels removed whole, with everything that reaches them and everything they reach.

Channels that must stay or go together form a *tie*: the two ends of a pool, a copy or a residual sum (the same
channel), a flattening copy (a channel and the neurons of its map), a depthwise kernel. A tie with a channel of an
input, of the readout or of a population left out stays. A tie's score is the mean relative magnitude of the
weights into its members. Populations connected by ties form a family; ``scope='layer'`` removes the share from each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from neurosim.compress.compensate import compensated
from neurosim.compress.report import CompressionReport, codec_bits, codec_name
from neurosim.compress.saliency import relative_weights
from neurosim.errors import NeurosimError
from neurosim.snn.connectivity import Conv2d, Dense, Identity, Pool2d, Sparse
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Input, Lif
from neurosim.snn.products import PRODUCTS
from neurosim.snn.trace import Stimulus


class _Ties:
    """Union-find over all channels of a network; a channel's number is its population's offset plus its own."""

    def __init__(self, network: Network) -> None:
        self.network = network
        counts = [p.shape[0] for p in network.populations]
        self.start = dict(
            zip((p.name for p in network.populations), np.cumsum([0, *counts[:-1]]).tolist(), strict=True)
        )
        self.parent = list(range(sum(counts)))
        for p in network.projections:
            self._tie(p)

    def root(self, i: int) -> int:
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def join(self, a: int, b: int) -> None:
        a, b = self.root(a), self.root(b)
        self.parent[max(a, b)] = min(a, b)

    def _tie(self, p: Projection) -> None:
        source, target = self.network.population(p.source), self.network.population(p.target)
        a, b, c = self.start[p.source], self.start[p.target], p.connectivity
        if isinstance(c, PRODUCTS):
            raise NeurosimError(
                f"projection {p.name}: channels of a product's operands are not pruned, since its heads "
                "would differ; prune weights instead"
            )
        if isinstance(c, Pool2d):
            pairs = [(i, i) for i in range(source.shape[0])]
        elif isinstance(c, Identity):
            pairs = _copied(p, source, target)
        elif isinstance(c, Conv2d) and c.groups > 1:
            pairs = _grouped(p, c)
        else:
            return
        for i, j in pairs:
            self.join(a + i, b + j)

    def roots(self, population: Population) -> np.ndarray:
        start = self.start[population.name]
        return np.array([self.root(start + i) for i in range(population.shape[0])])


def _copied(p: Projection, source: Population, target: Population) -> list[tuple[int, int]]:
    n = source.n_neurons
    a = np.arange(n) // (n // source.shape[0])
    b = np.arange(n) // (n // target.shape[0])
    return sorted(set(zip(a.tolist(), b.tolist(), strict=True)))


def _grouped(p: Projection, c: Conv2d) -> list[tuple[int, int]]:
    """A group's inputs and outputs as one tie, so that the groups which stay keep their shape."""
    per_in, per_out = c.weights.shape[1], c.weights.shape[0] // c.groups
    pairs = []
    for g in range(c.groups):
        pairs += [(g * per_in + i, g * per_out) for i in range(per_in)]
        pairs += [(g * per_in, g * per_out + o) for o in range(per_out)]
    return pairs


def _spread(keep: np.ndarray, population: Population) -> np.ndarray:
    """Bool by channel to bool by neuron."""
    return np.repeat(keep, population.n_neurons // population.shape[0])


def _scores(network: Network, ties: _Ties, stay: set[int], across: bool) -> dict[int, float]:
    """Mean relative magnitude of the weights into each tie that may go; ties without weights are left out."""
    total: dict[int, float] = {}
    count: dict[int, int] = {}
    for p in network.projections:
        if p.connectivity.event != "synapse":
            continue
        target = network.population(p.target)
        if stay.issuperset(ties.roots(target).tolist()):
            continue
        size = relative_weights(network, p, across)
        channels = target.shape[0]
        if isinstance(p.connectivity, Conv2d):
            channel = np.repeat(np.arange(channels), size.size // channels)
        else:
            of_target = np.arange(target.n_neurons) // (target.n_neurons // channels)
            sparse = isinstance(p.connectivity, Sparse)
            channel = (
                of_target[p.connectivity.indices] if sparse else np.tile(of_target, p.connectivity.weights.shape[0])
            )
        sums, counts = np.bincount(channel, size, channels), np.bincount(channel, minlength=channels)
        for root, s, n in zip(ties.roots(target).tolist(), sums.tolist(), counts.tolist(), strict=True):
            total[root], count[root] = total.get(root, 0.0) + s, count.get(root, 0) + n
    return {root: total[root] / n for root, n in count.items() if n and root not in stay}


def _fixed(network: Network, ties: _Ties, populations: Collection[str] | None) -> set[int]:
    """Ties that must stay."""
    stay: set[int] = set()
    for p in network.populations:
        readout = network.readout is not None and network.readout.population == p.name
        last = not any(q.source == p.name for q in network.projections)
        left_out = populations is not None and p.name not in populations and _weighted(network, p)
        if isinstance(p.model, Input) or readout or last or left_out:
            stay |= set(ties.roots(p).tolist())
    return stay


def _weighted(network: Network, population: Population) -> bool:
    return any(q.target == population.name and q.connectivity.event == "synapse" for q in network.projections)


def _families(network: Network, ties: _Ties, candidates: dict[int, float]) -> list[list[int]]:
    """Ties that share a population, or a chain of such, as lists in ascending order."""
    label = {root: root for root in candidates}

    def find(i: int) -> int:
        while label[i] != i:
            i = label[i]
        return i

    for p in network.populations:
        mine = [r for r in dict.fromkeys(ties.roots(p).tolist()) if r in label]
        for r in mine[1:]:
            a, b = find(mine[0]), find(r)
            label[max(a, b)] = min(a, b)
    families: dict[int, list[int]] = {}
    for root in sorted(candidates):
        families.setdefault(find(root), []).append(root)
    return list(families.values())


def _removed(network, ties, scores: dict[int, float], share: float, scope: str) -> set[int]:
    """The ties of least score; every family keeps at least one."""
    families = _families(network, ties, scores)
    if scope == "layer":
        gone = [
            sorted(f, key=lambda r: (scores[r], r))[: min(int(share * len(f) + 1e-9), len(f) - 1)] for f in families
        ]
        return {r for part in gone for r in part}
    best = {max(f, key=lambda r: (scores[r], -r)) for f in families}
    order = sorted((r for r in scores if r not in best), key=lambda r: (scores[r], r))
    return set(order[: int(share * len(scores) + 1e-9)])


def prune_channels(
    network: Network, share: float, scope: str, populations: Collection[str] | None, stimulus: Stimulus | None = None
) -> tuple[Network, CompressionReport]:
    """See `neurosim.compress.prune.prune`."""
    if populations is not None:
        unknown = sorted(set(populations) - set(network.index))
        if unknown:
            raise NeurosimError(f"prune.populations: {unknown[0]!r}, expected some of {list(network.index)}")
    ties = _Ties(network)
    stay = _fixed(network, ties, populations)
    scores = _scores(network, ties, stay, scope == "global")
    if not scores and share > 0:
        raise NeurosimError(
            "prune: no channel can be removed: all are inputs, readouts, left out, or tied to one of these by a "
            "pool, a copy or a residual sum; prune single weights instead"
        )
    gone = _removed(network, ties, scores, share, scope)
    keep = {p.name: ~np.isin(ties.roots(p), list(gone)) for p in network.populations}
    new_populations = tuple(_population(p, keep[p.name]) for p in network.populations)
    made = [_projection(network, p, keep) for p in network.projections]
    result = replace(network, populations=new_populations, projections=tuple(made))
    if stimulus is not None:
        result = compensated(network, result, keep, stimulus)
    return result, _report(network, result, keep)


def _population(p: Population, keep: np.ndarray) -> Population:
    kept = np.flatnonzero(keep) if p.kept is None else p.kept[keep]
    if keep.all():
        return p
    neurons = _spread(keep, p)

    def cut(values):
        if values is None or values.size == 1:
            return values
        return values[keep] if values.size == p.shape[0] else values[neurons]

    model = p.model
    if isinstance(model, Lif):
        model = replace(model, **{name: cut(getattr(model, name)) for name in ("threshold", "bias", "v_init")})
    return replace(p, shape=(int(keep.sum()), *p.shape[1:]), model=model, unit=cut(p.unit), kept=kept)


def _projection(network: Network, p: Projection, keep: dict[str, np.ndarray]) -> Projection:
    source, target = network.population(p.source), network.population(p.target)
    a, b, c = keep[p.source], keep[p.target], p.connectivity
    if a.all() and b.all():
        return p
    if isinstance(c, Conv2d):
        if c.groups == 1:
            weights, groups = c.weights[b][:, a], 1
        else:
            # Whole groups go, so the rest keep their inputs.
            weights, groups = c.weights[b], int(a.sum()) // c.weights.shape[1]
        c = replace(c, weights=weights, groups=groups)
    elif isinstance(c, Dense):
        c = Dense(c.weights[_spread(a, source)][:, _spread(b, target)])
    elif isinstance(c, Sparse):
        c = _sparse(c, _spread(a, source), _spread(b, target))
    scale = p.scale if p.scale is None or p.scale.size == 1 else p.scale[b]
    made = replace(p, connectivity=c, scale=scale)
    if p.connectivity.event == "synapse":
        _check_format(made)
    return made


def _sparse(c: Sparse, rows: np.ndarray, columns: np.ndarray) -> Sparse:
    stays = np.repeat(rows, np.diff(c.indptr)) & columns[c.indices]
    before = np.concatenate([[0], np.cumsum(stays)])
    counts = np.diff(before[c.indptr])[rows]
    number = np.cumsum(columns) - 1
    return Sparse(np.concatenate([[0], np.cumsum(counts)]), number[c.indices[stays]], c.weights[stays])


def _check_format(p: Projection) -> None:
    try:
        p.codec.check(p.connectivity.weights, f"projection {p.name}")
    except NeurosimError as error:
        raise NeurosimError(
            f"prune: projection {p.name}: what is left does not fit its format ({codec_name(p.codec)}): {error}"
        ) from error


def _report(before: Network, after: Network, keep: dict[str, np.ndarray]) -> CompressionReport:
    rows = []
    for p, q in zip(before.projections, after.projections, strict=True):
        if p.connectivity.event != "synapse":
            continue
        n, m = p.connectivity.weights.size, q.connectivity.weights.size
        l1 = np.abs(p.connectivity.weights.astype(np.float64)).sum()
        left = np.abs(q.connectivity.weights.astype(np.float64)).sum()
        rows.append({
            "name": p.name, "codec_before": codec_name(p.codec), "codec": codec_name(q.codec), "weights": n,
            "stored_weights": m, "magnitude_left": float(left / l1) if l1 else 1.0,
            "bits_before": codec_bits(p.codec, n), "bits_after": codec_bits(q.codec, m),
        })  # fmt: skip
    populations = []
    for p, q in zip(before.populations, after.populations, strict=True):
        bits = (p.model.membrane_bits or 32) if isinstance(p.model, Lif) else 0
        populations.append({
            "name": p.name, "channels_before": p.shape[0], "channels": q.shape[0], "neurons_before": p.n_neurons,
            "neurons": q.n_neurons, "bits_before": bits * p.n_neurons, "bits_after": bits * q.n_neurons,
            "kept": np.flatnonzero(keep[p.name]).tolist(),
        })  # fmt: skip
    return CompressionReport("prune", rows, populations)
