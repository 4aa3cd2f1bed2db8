"""From float (or wide) weights and membranes to narrow integers, with every scale folded into thresholds and biases.

The membrane of channel c counts in steps of ``unit[c]``; a spike over projection j adds ``q << shift[j]`` steps, which
stands for ``scale[j, c] * q`` with ``scale[j, c] = unit[c] * 2^shift[j]`` (times 1 / share when the input decays: the
share goes into the unit). So nothing is multiplied for a synapse or a neuron. Three rules fix the numbers:

1. each projection's own best scale comes from its weights (`grids.best_scale`); projections that meet in one membrane
   share its channel profile and differ by powers of two;
2. the unit must reach as far as the calibration saw the membrane go: unit >= bound / (2^(bits-1) - 1);
3. with room to spare, the shift gives fraction bits (at most `FRACTION_BITS`); without, the weights' steps are widened
   to the unit, which the report shows as ``coarsened``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurosim.compress.grids import SCALES, Grid, codebook, first_scale, grid_of
from neurosim.compress.neurons import check_integer_membrane, in_units, input_share, magnitudes, one_unit_only
from neurosim.compress.ranges import MembraneRange, membrane_ranges
from neurosim.compress.relays import Values, source_values
from neurosim.compress.report import CompressionReport, codec_bits, codec_name, weight_row
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.snn.codecs import Codec, FloatCodec
from neurosim.snn.connectivity import Identity
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import ROUNDINGS, Lif
from neurosim.snn.trace import Stimulus

FRACTION_BITS = 10
WeightFormat = int | str


@dataclass(eq=False)
class _Job:
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
    """The grid asked for a projection by its name, or by ``default``."""
    where = f"quantize: projection {projection.name}"
    if not isinstance(asked, Mapping):
        return grid_of(asked, where)
    chosen = asked.get(projection.name, asked.get("default"))
    if chosen is None:
        raise NeurosimError(f"{where}: no weight format for it in {sorted(asked)}; name it, or give 'default'")
    return grid_of(chosen, where)


def _widths(asked: int | Mapping[str, int] | None, network: Network) -> dict[str, int | None]:
    """Membrane bits of each `Lif` population."""
    names = [p.name for p in network.populations if isinstance(p.model, Lif)]
    if not isinstance(asked, Mapping):
        asked = {"default": asked}
    unknown = sorted(set(asked) - {*names, "default"})
    if unknown:
        raise NeurosimError(f"quantize.membrane_bits: {unknown[0]!r}, expected some of {[*names, 'default']}")
    widths = {name: asked.get(name, asked.get("default")) for name in names}
    for name, bits in widths.items():
        if bits is not None and (not isinstance(bits, int) or isinstance(bits, bool) or not 2 <= bits <= 32):
            raise NeurosimError(f"quantize.membrane_bits: {name}: got {bits!r}, expected 2 to 32, or None for float32")
    missing = [name for name, bits in widths.items() if bits is None]
    if missing and len(missing) < len(names):
        raise NeurosimError(f"quantize.membrane_bits: no width for {missing[0]!r}; name it, or give 'default'")
    return widths


def _check_names(asked, network: Network) -> None:
    if isinstance(asked, Mapping):
        known = {p.name for p in network.projections if p.connectivity.event == "synapse"} | {"default"}
        unknown = sorted(set(asked) - known)
        if unknown:
            raise NeurosimError(f"quantize: weight format for {unknown[0]!r}, expected one of {sorted(known)}")


def quantize(
    network: Network,
    weight_bits: WeightFormat | Mapping[str, WeightFormat] = 8,
    membrane_bits: int | Mapping[str, int] | None = 24,
    *,
    calibration: Stimulus | None = None,
    per_channel: bool = True,
    scale: str = "mse",
    clip: float = 0.0,
    rounding: str | None = None,
    input_bits: int | None = None,
) -> tuple[Network, CompressionReport]:
    """A new network with weights and membranes of the given widths, and a report of what that lost, layer by layer.

    ``weight_bits``: bits (1 is sign), ``odd:4``, ``ternary``, ``sign`` or ``codebook:16`` (`grids.grid_of`), for all
    projections or by name (``{"a->b": 8, "default": 4}``). ``membrane_bits`` 2 to 32 for all populations or by name
    (``{"output": 16, "default": 8}``), or None for float32 membranes.
    ``calibration`` shows how far membranes go (needed for integer membranes; labels are not looked at). ``clip`` is the
    share of its membrane updates, channel by channel, that may be clipped. ``rounding`` of the leak, ``floor``,
    ``zero`` or ``nearest``: None means ``nearest`` for a float network and its own for an integer one. ``input_bits``
    makes graded float inputs integers of that width (then use `quantize_stimulus`).

    Raises NeurosimError naming the part that cannot be an integer and what to do instead.
    """
    widths = _widths(membrane_bits, network)
    integer = any(bits is not None for bits in widths.values())
    _check_arguments(network, weight_bits, integer, calibration, scale, clip, rounding)
    values = source_values(network, integer, calibration, input_bits)
    groups = {p.name: _n_groups(network, p, per_channel) for p in network.populations if isinstance(p.model, Lif)}
    ranges: dict[str, MembraneRange] = {}
    if integer:
        for p in network.populations:
            if isinstance(p.model, Lif):
                check_integer_membrane(p)
        ranges = membrane_ranges(network, run_function(network, calibration), groups, clip)
    rounding = rounding or (None if network.is_integer else "nearest")
    populations, rows, made = [], [], {}
    for population in network.populations:
        if not isinstance(population.model, Lif):
            new = values[population.name]
            populations.append(replace(population, model=new.model, unit=None if new.unit == 1 else [new.unit]))
            made |= _passed_on(network, population, values)
            continue
        jobs = _jobs(network, population, groups[population.name], weight_bits, scale, values)
        bits = widths[population.name]
        unit, coarse = _units(population, jobs, ranges.get(population.name), bits)
        model, errors = in_units(population, unit, bits, rounding)
        populations.append(replace(population, model=model, unit=unit))
        rows.append(_population_row(population, unit, ranges.get(population.name), bits, errors))
        made |= _synapses(jobs, coarse) | _copies(network, population, unit, values, bits)
    built = [made[id(p)] for p in network.projections]
    result = replace(network, populations=tuple(populations), projections=tuple(p for p, _ in built))
    report = CompressionReport("quantize", [row for _, row in built if row is not None], rows)
    if calibration is not None:
        _count_clipping(result, calibration, report, input_bits)
    _notes(report)
    return result, report


def _check_arguments(network, weight_bits, integer: bool, calibration, scale, clip, rounding) -> None:
    _check_names(weight_bits, network)
    if not integer and network.is_integer:
        raise NeurosimError("quantize.membrane_bits: this network's membranes are integers already; give a width")
    if integer and calibration is None:
        raise NeurosimError(
            "quantize.calibration: integer membranes need a stimulus that shows how far they go; give one, for example "
            "workload.stimulus(100)"
        )
    if scale not in SCALES:
        raise NeurosimError(f"quantize.scale: got {scale!r}, expected one of {', '.join(SCALES)}")
    if not 0 <= clip < 0.5:
        raise NeurosimError(f"quantize.clip: got {clip}, expected a share of 0 to below 0.5")
    if rounding is not None and rounding not in ROUNDINGS:
        raise NeurosimError(f"quantize.rounding: got {rounding!r}, expected one of {', '.join(ROUNDINGS)}")


def _n_groups(network: Network, population: Population, per_channel: bool) -> int:
    """How many scales a population has: one, or one a channel where nothing ties its channels together."""
    copies = any(p.target == population.name and p.connectivity.event != "synapse" for p in network.projections)
    readout = network.readout
    by_membrane = readout is not None and readout.kind == "membrane" and readout.population == population.name
    if not per_channel or copies or one_unit_only(population, by_membrane):
        return 1
    return population.shape[0]


def _jobs(network, population, n: int, weight_bits, how: str, values: dict[str, Values]) -> list[_Job]:
    jobs = []
    for p in network.projections:
        if p.target != population.name or p.connectivity.event != "synapse":
            continue
        grid = _format(weight_bits, p)
        if grid.words and (
            p.connectivity.kind != "conv" or min(p.connectivity.kernel) * max(p.connectivity.kernel) < 2
        ):
            raise NeurosimError(
                f"quantize: projection {p.name}: a codebook names the patterns of kernels of more than one tap; give "
                "this one another format by its name"
            )
        group = _groups(p, population, n)
        weights, step = p.connectivity.weights, 2.0**p.weight_shift * values[p.source].unit
        real, scale = weights.astype(np.float64).ravel() * step, first_scale(weights, step, group, n, grid, how)
        jobs.append(_Job(p, real, group, grid, scale))
    return jobs


def _units(population, jobs: list[_Job], seen: MembraneRange | None, bits: int | None) -> tuple[np.ndarray, dict]:
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
        job.scale = profile / share * 2.0**job.shift
        job.shift += fraction
        if job.shift > 24:
            raise NeurosimError(
                f"quantize: projection {job.projection.name}: its weights are 2^{job.shift} times those that meet them "
                f"in {population.name!r}; at most 2^24 can be aligned"
            )
    return profile / 2.0**fraction, {id(job.projection): coarse for job in jobs}


def _synapses(jobs: list[_Job], coarse: dict) -> dict:
    """New projections and their rows, by the identity of the old."""
    made = {}
    for job in jobs:
        p = job.projection
        q, codec, real = job.integers()
        scale = job.scale if job.scale.size > 1 else job.scale[:1]
        connectivity = replace(p.connectivity, weights=q)
        new = replace(p, connectivity=connectivity, codec=codec, weight_shift=job.shift, scale=scale)
        beyond = np.abs(job.real) > (job.grid.top + (0.5 if job.grid.kind == "even" else 1)) * job.scale[job.group]
        row = {
            "name": p.name, "codec_before": codec_name(p.codec), "codec": codec_name(codec),
            **weight_row(job.real, real), "clipped_weights": 0 if job.grid.kind == "sign" else int(beyond.sum()),
            "values_used": int(np.unique(q).size), "weight_shift": job.shift, "coarsened": coarse[id(p)],
            "scale_min": float(scale.min()), "scale_max": float(scale.max()), "scales": int(scale.size),
            "bits_before": codec_bits(p.codec, q.size), "bits_after": codec_bits(codec, q.size),
        }  # fmt: skip
        made[id(p)] = (new, row)
    return made


def _copies(network, population, unit: np.ndarray, values: dict[str, Values], bits: int | None) -> dict:
    """Identity projections into a membrane: what one spike adds, in its units."""
    made = {}
    for p in network.projections:
        if p.target != population.name or p.connectivity.event == "synapse":
            continue
        if not isinstance(p.connectivity, Identity):
            raise NeurosimError(
                f"quantize: projection {p.name}: pools straight into a membrane; pool into a Relay, and connect that"
            )
        share = input_share(population.model.leak) if population.model.decay_input and bits is not None else 1.0
        exact = p.connectivity.weight * 2.0**p.weight_shift * values[p.source].unit * share / unit[0]
        weight = float(exact) if bits is None else int(np.rint(exact))
        if weight == 0 and exact:
            raise NeurosimError(f"quantize: projection {p.name}: its weight rounds to 0; give the membrane more bits")
        made[id(p)] = (replace(p, connectivity=Identity(weight), codec=FloatCodec(), weight_shift=0), None)
    return made


def _passed_on(network, population, values: dict[str, Values]) -> dict:
    """Projections into relays, as `relays.source_values` made them."""
    return {key: (new, None) for key, new in values[population.name].into.items()}


def _population_row(population, unit, seen: MembraneRange | None, bits: int | None, errors: dict) -> dict:
    before = population.model.membrane_bits or 32
    row = {"name": population.name, "membrane_bits_before": before, "membrane_bits": bits or 32, **errors}
    row |= {"unit_min": float(unit.min()), "unit_max": float(unit.max()), "units": int(unit.size)}
    if seen is not None:
        row |= {"lowest": float(seen.low.min()), "highest": float(seen.high.max()), "updates": seen.updates}
    n = population.n_neurons
    return row | {"clipped": 0, "bits_before": before * n, "bits_after": (bits or 32) * n}


def _count_clipping(network: Network, calibration: Stimulus, report: CompressionReport, input_bits) -> None:
    """How often the new network's own membranes were clipped on the calibration stimulus."""
    from neurosim.compress.relays import quantize_stimulus

    stimulus = calibration if input_bits is None else quantize_stimulus(network, calibration)
    trace = run_function(network, stimulus)
    clipped = dict(zip((p.name for p in network.populations), trace.saturations.tolist(), strict=True))
    for row in report.populations:
        row["clipped"] = clipped[row["name"]]


def _notes(report: CompressionReport) -> None:
    for row in report.projections:
        if row["coarsened"]:
            report.notes.append(
                f"{row['name']}: {row['coarsened']:.0%} of its scales were widened to the membrane's step; "
                f"{row['values_used']} weight values are in use. A wider membrane, or clip, keeps them finer."
            )
    for row in report.populations:
        if row["clipped"]:
            report.notes.append(
                f"{row['name']}: {row['clipped']} membrane updates were clipped on the calibration data"
            )
