"""The activity of a network that was run: one layer a projection, rates measured, sums divided by the samples."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from neurosim.energy.conventions.activity import LayerActivity, NetworkActivity
from neurosim.errors import NeurosimError
from neurosim.snn.connectivity import Conv2d, Dense, Pool2d, Sparse
from neurosim.snn.network import Network, Projection
from neurosim.snn.neuron import Input, Lif, Relay
from neurosim.snn.products import AndPopcount, leads, partner, tokens_of


def layers_of_run(network: Network, counts: np.ndarray, samples: int, timesteps: int) -> list[dict[str, Any]]:
    """Plain data of every layer, for a result file; `activity_of_run` reads it.

    ``counts`` (n_neurons,) int64: spikes of each neuron over all samples. Pooling by maximum is a layer of kind
    ``pool``; sums, averages and copies are in no convention and are left out. A product of two populations is one layer
    of kind ``attention`` whose rate is the smaller one of its operands.
    """
    rows, updated = [], set()
    for projection in network.projections:
        layer = _layer(network, projection, counts, samples, timesteps, projection.target not in updated)
        if layer is not None:
            rows.append(asdict(layer))
            updated.add(projection.target)
    return rows


def activity_of_run(name: str, rows: list[dict[str, Any]]) -> NetworkActivity:
    """Inverse of `layers_of_run`. Raises NeurosimError for rows of another kind, or none."""
    if not rows:
        raise NeurosimError(f"{name}: the result holds no layers (a file of an older version?); run it again")
    try:
        layers = tuple(
            LayerActivity(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}) for row in rows
        )
    except TypeError as error:
        raise NeurosimError(f"{name}: layers of another version ({error}); run it again") from error
    return NetworkActivity(name, layers)


def nonzero_fan_out(network: Network, projection: Projection) -> np.ndarray:
    """Connections of each source neuron whose weight is not zero, (n_source,) int64."""
    c = projection.connectivity
    if isinstance(c, Dense):
        return np.count_nonzero(c.weights, axis=1).astype(np.int64)
    if isinstance(c, Sparse):
        total = np.concatenate([[0], np.cumsum(c.weights != 0)])
        return (total[c.indptr[1:]] - total[c.indptr[:-1]]).astype(np.int64)
    if not isinstance(c, Conv2d):
        raise TypeError(f"{c.kind} has no weights to be zero")
    source = network.population(projection.source).shape
    indptr, _, tap = c.windows(source)
    outs, in_group = c.weights.shape[0] // c.groups, c.weights.shape[1]
    # Output channels of a channel's group that have a weight at each tap, (C_in, taps).
    grouped = (c.weights != 0).reshape(c.groups, outs, in_group, -1).sum(axis=1).reshape(c.groups * in_group, -1)
    pixel = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    reached = np.zeros((grouped.shape[1], indptr.size - 1), np.int64)
    np.add.at(reached, (tap, pixel), 1)
    return (grouped @ reached).ravel().astype(np.int64)


def _reads_input(network: Network, name: str) -> bool:
    """Whether a population is the input, or the input pooled or copied."""
    population = network.population(name)
    if isinstance(population.model, Input):
        return True
    into = [p for p in network.projections if p.target == name]
    relayed = isinstance(population.model, Relay) and all(p.connectivity.event != "synapse" for p in into)
    return relayed and bool(into) and all(_reads_input(network, p.source) for p in into)


def _product(network: Network, projection: Projection, counts: np.ndarray, steps: int) -> dict[str, Any]:
    """What makes a product a layer: heads x N x N x d additions, at the rates of both operands."""
    c, rates = projection.connectivity, []
    for p in (projection, partner(network, projection)):
        first, stop = network.offsets[network.index[p.source] :][:2]
        rates.append(float(counts[first:stop].sum() / ((stop - first) * steps)))
    channels = network.population(projection.source if isinstance(c, AndPopcount) else projection.target).shape
    macs = channels[0] * tokens_of(channels) ** 2
    return {
        "kind": "attention", "cin": channels[0], "cout": channels[0], "macs": macs, "rate_in": min(rates),
        "rate_k": rates[0], "rate_v": rates[1],
    }  # fmt: skip


def _layer(
    network: Network, projection: Projection, counts: np.ndarray, samples: int, timesteps: int, updates: bool
) -> LayerActivity | None:
    c = projection.connectivity
    source, target = network.population(projection.source), network.population(projection.target)
    ends = [slice(*network.offsets[network.index[p.name] :][:2]) for p in (source, target)]
    steps = samples * timesteps
    common = {
        "name": projection.name,
        "timesteps": timesteps,
        "neurons_in": source.n_neurons,
        "neurons_out": target.n_neurons,
        "rate_in": float(counts[ends[0]].sum() / (source.n_neurons * steps)),
        "rate_out": float(counts[ends[1]].sum() / (target.n_neurons * steps)),
        "analog": network.multiplies(source.name),
        "input_bits": network.value_bits(source.name),
        "first": _reads_input(network, source.name),
        "updates": updates and isinstance(target.model, Lif),
    }
    if isinstance(c, Pool2d) and c.mode == "max":
        channels, height, width = target.shape
        return LayerActivity(
            kind="pool", cin=channels, cout=channels, kernel=c.size, stride=c.stride, h_out=height, w_out=width,
            **common,
        )  # fmt: skip
    if leads(projection):
        return LayerActivity(**(common | _product(network, projection, counts, steps)))
    if c.event != "synapse":
        return None
    spikes = counts[ends[0]]
    connections = network.connections(projection)
    lif = isinstance(target.model, Lif)
    common |= {
        "connections": connections,
        "events": float(spikes @ network.fan_out(projection) / samples),
        "events_nonzero": float(spikes @ nonzero_fan_out(network, projection) / samples),
        "weights": int(c.weights.size),
        "weight_bits": float(projection.codec.bits),
        "bias": lif and bool(np.any(target.model.bias)),
        "leaky": lif and target.model.leak.kind != "none",
    }
    if isinstance(c, Conv2d):
        channels, height, width = target.shape
        return LayerActivity(
            kind="conv", cin=source.shape[0], cout=channels, kernel=c.kernel, stride=c.stride, groups=c.groups,
            h_out=height, w_out=width, macs=int(c.weights.size) * height * width, **common,
        )  # fmt: skip
    return LayerActivity(kind=c.kind, cin=source.n_neurons, cout=target.n_neurons, macs=connections, **common)
