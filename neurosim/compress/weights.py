"""The weights of one population's projections on their way to integers: best scales, a common unit, shifts.

See `neurosim.compress.quantize` for the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurosim.compress.grids import Grid, best_scale, codebook, grid_of
from neurosim.compress.neurons import MembraneTooNarrow, input_share, magnitudes
from neurosim.compress.ranges import MembraneRange
from neurosim.compress.relays import Values
from neurosim.compress.report import codec_bits, codec_name, weight_row
from neurosim.errors import NeurosimError
from neurosim.snn.codecs import Codec
from neurosim.snn.network import Population, Projection

FRACTION_BITS = 10
WeightFormat = int | str


@dataclass(eq=False)
class Job:
    """One projection's weights on their way: real values and the group of each (flat), grid, best scale, integers."""

    projection: Projection
    real: np.ndarray
    group: np.ndarray
    grid: Grid
    scale: np.ndarray
    shift: int = 0

    def integers(self) -> tuple[np.ndarray, Codec, np.ndarray]:
        """Integers of the weights' shape, their codec, and the real values they stand for (flat)."""
        shape = self.projection.connectivity.weights.shape
        q, codec = self.grid.nearest(self.real / self.scale[self.group]), self.grid.codec
        if self.grid.words:
            length = int(np.prod(shape[2:]))
            rows, codec = codebook(q.reshape(-1, length), self.real.reshape(-1, length), self.grid.words)
            q = rows.reshape(-1)
        return q.astype(np.int32).reshape(shape), codec, q * self.scale[self.group]


def _groups(projection: Projection, target: Population, n: int) -> np.ndarray:
    """Group of each weight, flat in the order of the weights."""
    c = projection.connectivity
    if n == 1:
        return np.zeros(c.weights.size, np.int64)
    if c.kind == "conv":
        return np.repeat(np.arange(n), c.weights.size // n)
    of_target = np.arange(target.n_neurons) // (target.n_neurons // n)
    return of_target[c.indices] if c.kind == "sparse" else np.tile(of_target, c.weights.shape[0])


def _format(asked: WeightFormat | Mapping[str, WeightFormat], projection: Projection) -> Grid:
    """The grid asked for a projection by its name, or by ``default``; ``keep`` is the one its integers have."""
    where, chosen = f"quantize: projection {projection.name}", asked
    if isinstance(asked, Mapping):
        chosen = asked.get(projection.name, asked.get("default"))
        if chosen is None:
            raise NeurosimError(f"{where}: no weight format for it in {sorted(asked)}; name it, or give 'default'")
    if chosen != "keep":
        return grid_of(chosen, where)
    weights = projection.connectivity.weights
    if weights.dtype.kind not in "iu":
        raise NeurosimError(f"{where}: 'keep' is for weights that are integers already; give a weight format")
    return Grid("keep", int(np.abs(weights).max(initial=1)), projection.codec)


def jobs_into(network, population, n: int, weight_bits, how: str, values: dict[str, Values]) -> list[Job]:
    jobs: list[Job] = []
    for p in network.projections:
        if p.target != population.name or p.connectivity.event != "synapse":
            continue
        grid = _format(weight_bits, p)
        if grid.words and (p.connectivity.kind != "conv" or p.connectivity.kernel == (1, 1)):
            raise NeurosimError(
                f"quantize: projection {p.name}: a codebook names the patterns of kernels of more than one tap; give "
                "this one another format by its name"
            )
        group = _groups(p, population, n)
        step = 2.0**p.weight_shift * values[p.source].unit
        real = p.connectivity.weights.astype(np.float64).ravel() * step
        as_it_is = p.connectivity.weights.dtype.kind in "iu" and _holds(grid, p.connectivity.weights)
        best = np.full(n, step) if as_it_is else best_scale(real, group, n, grid, how)
        jobs.append(Job(p, real, group, grid, best))
    return jobs


def _holds(grid: Grid, weights: np.ndarray) -> bool:
    """Whether a format stores these integers as they are."""
    return not grid.words and np.array_equal(grid.nearest(weights.astype(np.float64)), weights)


def common_unit(population, jobs: list[Job], seen: MembraneRange | None, bits: int | None) -> tuple[np.ndarray, dict]:
    """The unit of each group, (n,); sets scale and shift of the jobs. Also which share of scales had to be widened."""
    model = population.model
    share = input_share(model.leak) if model.decay_input and bits is not None else 1.0
    least = 0.0
    if bits is not None:
        top = (1 << (bits - 1)) - 1
        reach = np.maximum(seen.bound, magnitudes(population, seen.bound.size))
        # What must be passed, not only reached, has to leave one step above it.
        top = max(1, top - 1) if model.compare == ">" else top
        least = np.where(reach > 0, reach, 1.0) / top
    if not jobs:
        return (np.ones(1) if bits is None else np.asarray(least, np.float64)), {}
    powers = [int(np.rint(np.median(np.log2(job.scale / jobs[0].scale)))) for job in jobs]
    for job, power in zip(jobs, powers, strict=True):
        job.shift = power - min(powers)
    profile = np.max([job.scale / 2.0**job.shift for job in jobs], axis=0) * share
    wanted = profile.copy()
    fraction = 0
    if bits is not None:
        fraction = int(np.clip(np.floor(np.log2(profile / least).min()), 0, FRACTION_BITS))
        profile = np.maximum(profile, least)
    coarse = float((profile > wanted * (1 + 1e-12)).mean())
    for job in jobs:
        if job.grid.kind == "keep" and not np.allclose(profile / share * 2.0**job.shift, job.scale, rtol=1e-9):
            raise MembraneTooNarrow(
                f"quantize: projection {job.projection.name}: its weights cannot be kept, {population.name!r} would "
                f"need steps coarser than one of them in {bits} bits; give the membrane more bits, or clip more"
            )
        job.scale = profile / share * 2.0**job.shift
        job.shift += fraction
        if job.shift > 24:
            raise NeurosimError(
                f"quantize: projection {job.projection.name}: its weights are 2^{job.shift} times those that meet them "
                f"in {population.name!r}; at most 2^24 can be aligned"
            )
    return profile / 2.0**fraction, {id(job.projection): coarse for job in jobs}


def narrowed(population: Population, jobs: list[Job], coarse: dict) -> dict:
    """New projections and their rows, by the identity of the old."""
    made = {}
    for job in jobs:
        p = job.projection
        q, codec, real = job.integers()
        known = 1.0 if population.unit is None else population.unit
        connectivity = replace(p.connectivity, weights=q)
        new = replace(p, connectivity=connectivity, codec=codec, weight_shift=job.shift, scale=job.scale * known)
        beyond = np.abs(job.real) > (job.grid.top + (0.5 if job.grid.kind == "even" else 1)) * job.scale[job.group]
        row = {
            "name": p.name, "codec_before": codec_name(p.codec), "codec": codec_name(codec),
            **weight_row(job.real, real), "clipped_weights": 0 if job.grid.kind == "sign" else int(beyond.sum()),
            "values_used": int(np.unique(q).size), "weight_shift": job.shift, "coarsened": coarse[id(p)],
            "scale_min": float(job.scale.min()), "scale_max": float(job.scale.max()), "scales": int(job.scale.size),
            "bits_before": codec_bits(p.codec, q.size), "bits_after": codec_bits(codec, q.size),
        }  # fmt: skip
        made[id(p)] = (new, row)
    return made
