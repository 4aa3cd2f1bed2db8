"""Pruning by magnitude: single weights set to zero or taken out, or whole channels and neurons removed.

Magnitudes count in thresholds of the driven neuron (`saliency`), so integer layers with folded scales and float layers
are judged alike.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from neurosim.compress.channels import prune_channels
from neurosim.compress.report import CompressionReport, codec_bits, codec_name, weight_row
from neurosim.compress.saliency import relative_weights
from neurosim.errors import NeurosimError
from neurosim.snn.connectivity import Dense, Sparse
from neurosim.snn.network import Network, Projection
from neurosim.snn.trace import Stimulus

SCOPES = ("layer", "global")


def prune(
    network: Network,
    share: float,
    *,
    structured: bool = False,
    scope: str = "layer",
    projections: Collection[str] | None = None,
    populations: Collection[str] | None = None,
    store: str = "same",
    compensate: Stimulus | None = None,
) -> tuple[Network, CompressionReport]:
    """A new network without the ``share`` (0 to below 1) of weights, or of channels, that matter least; and a report.

    Unstructured: the smallest weights of each projection (``scope='layer'``) or of all together (``'global'``) become
    zero; ``projections`` limits it to those named. A zero is still stored and still an event; ``store='sparse'`` turns
    Dense into stored entries, and takes zeros out of Sparse. Structured: whole channels (first axis of the shape) or
    neurons go, with their incoming weights and the matching inputs of the next layers; `Population.kept` says which
    stayed; ``populations`` limits it. Channels tied by pools, copies, residual sums or depthwise kernels go together.
    With a stimulus to ``compensate`` by, the mean input that the removed channels brought on it goes into biases.

    Raises NeurosimError for a format without a zero, a structure that cannot be cut, and unknown names.
    """
    if not 0 <= share < 1:
        raise NeurosimError(f"prune.share: got {share}, expected 0 to below 1")
    if scope not in SCOPES:
        raise NeurosimError(f"prune.scope: got {scope!r}, expected one of {', '.join(SCOPES)}")
    if store not in ("same", "sparse"):
        raise NeurosimError(f"prune.store: got {store!r}, expected 'same' or 'sparse'")
    if structured:
        if projections is not None or store != "same":
            raise NeurosimError("prune: structured pruning takes populations, not projections or store='sparse'")
        pruned, report = prune_channels(network, share, scope, populations, compensate)
        return _said(pruned, f"{share:.0%} of channels, by {scope}"), report
    if populations is not None or compensate is not None:
        raise NeurosimError("prune: populations and compensate are for structured pruning (structured=True)")
    chosen = _chosen(network, projections)
    size = {id(p): relative_weights(network, p, scope == "global") for p in chosen}
    gone = {key: _smallest(values, share) for key, values in size.items()}
    if scope == "global" and chosen:
        together = _smallest(np.concatenate([size[id(p)] for p in chosen]), share)
        cuts = np.cumsum([size[id(p)].size for p in chosen])[:-1]
        gone = {id(p): part for p, part in zip(chosen, np.split(together, cuts), strict=True)}
    new, rows = [], []
    for p in network.projections:
        if p.connectivity.event == "synapse":
            made, row = _cut(network, p, gone.get(id(p)), store)
            rows.append(row)
            p = made
        new.append(p)
    pruned = replace(network, projections=tuple(new))
    return _said(pruned, f"{share:.0%} of weights, by {scope}"), CompressionReport("prune", rows, [])


def _said(network: Network, what: str) -> Network:
    return replace(network, metadata={**network.metadata, "pruned": what})


def _chosen(network: Network, names: Collection[str] | None) -> list[Projection]:
    synaptic = [p for p in network.projections if p.connectivity.event == "synapse"]
    if names is None:
        return synaptic
    unknown = sorted(set(names) - {p.name for p in synaptic})
    if unknown:
        raise NeurosimError(f"prune.projections: {unknown[0]!r}, expected some of {[p.name for p in synaptic]}")
    return [p for p in synaptic if p.name in names]


def _smallest(values: np.ndarray, share: float) -> np.ndarray:
    """True at the floor(share x n) smallest values; among equals the first go first."""
    gone = np.zeros(values.size, bool)
    gone[np.argsort(values, kind="stable")[: int(share * values.size + 1e-9)]] = True
    return gone


def _cut(network: Network, p: Projection, gone: np.ndarray | None, store: str) -> tuple[Projection, dict]:
    """The projection without the weights ``gone`` (flat bool), and its row."""
    c = p.connectivity
    before = c.weights.astype(np.float64).ravel() * 2.0**p.weight_shift
    weights = np.array(c.weights)
    if gone is not None and gone.any():
        weights.reshape(-1)[gone] = 0
        _check_zero(p, weights)
    connectivity = replace(c, weights=weights)
    if store == "sparse":
        if p.codec.kind == "codebook":
            raise NeurosimError(
                f"prune: projection {p.name}: the words of a codebook are whole; store='sparse' would cut them. Use "
                "store='same'"
            )
        connectivity = _stored(connectivity)
    after = weights.astype(np.float64).ravel() * 2.0**p.weight_shift
    stored = connectivity.weights.size
    row = {
        "name": p.name, "codec_before": codec_name(p.codec), "codec": codec_name(p.codec), **weight_row(before, after),
        "pruned_weights": 0 if gone is None else int(gone.sum()), "stored_weights": stored,
        "storage": connectivity.kind,
        "bits_before": codec_bits(p.codec, before.size), "bits_after": codec_bits(p.codec, stored),
    }  # fmt: skip
    return replace(p, connectivity=connectivity), row


def _check_zero(p: Projection, weights: np.ndarray) -> None:
    """Refuse a format that cannot hold the new zeros, in words that say what to do."""
    try:
        p.codec.check(weights, f"prune: projection {p.name}")
    except NeurosimError as error:
        raise NeurosimError(
            f"prune: projection {p.name}: its format ({codec_name(p.codec)}) cannot store the zeros that pruning "
            "makes; prune before quantising and use a format with a zero, prune channels (structured=True), or leave "
            "this projection out"
        ) from error


def _stored(c):
    """Entries that are not zero, as `Sparse`; a convolution shares its kernels and stays as it is."""
    if isinstance(c, Dense):
        mask = c.weights != 0
        indptr = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
        return Sparse(indptr, np.nonzero(mask)[1], c.weights[mask])
    if isinstance(c, Sparse):
        mask = c.weights != 0
        before = np.concatenate([[0], np.cumsum(mask)])
        return Sparse(before[c.indptr], c.indices[mask], c.weights[mask])
    return c
