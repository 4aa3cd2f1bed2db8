"""From float (or wide) weights and membranes to narrow integers, with every scale folded into thresholds and biases.

The membrane of channel c counts in steps of ``unit[c]``; a spike over projection j adds ``q << shift[j]`` steps, which
stands for ``scale[j, c] * q`` with ``scale[j, c] = unit[c] * 2^shift[j]`` (times 1 / share when the input decays: the
share goes into the unit). So nothing is multiplied for a synapse or a neuron. Three rules fix the numbers:

1. each projection's own best scale comes from its weights (`grids.best_scale`); projections that meet in one membrane
   share its channel profile and differ by powers of two;
2. the unit must reach as far as the calibration saw the membrane go: unit >= bound / (2^(bits-1) - 1);
3. with room to spare, the shift gives fraction bits (at most `weights.FRACTION_BITS`); without, the weights' steps are
   widened to the unit, which the report shows as ``coarsened``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurosim.compress.compare import compare
from neurosim.compress.grids import SCALES
from neurosim.compress.neurons import MembraneTooNarrow, check_integer_membrane, in_units, input_share, one_unit_only
from neurosim.compress.ranges import MembraneRange, membrane_ranges
from neurosim.compress.relays import Values, quantize_stimulus, source_values
from neurosim.compress.report import CompressionReport
from neurosim.compress.weights import WeightFormat, common_unit, jobs_into, narrowed
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.snn.codecs import FloatCodec
from neurosim.snn.connectivity import Identity
from neurosim.snn.network import Network, Population
from neurosim.snn.neuron import ROUNDINGS, Lif
from neurosim.snn.trace import Stimulus

CLIPS = (0.0001, 0.001, 0.003, 0.01, 0.03)


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
    clip: float | str = "auto",
    rounding: str | None = None,
    input_bits: int | None = None,
) -> tuple[Network, CompressionReport]:
    """A new network with weights and membranes of the given widths, and a report of what that lost, layer by layer.

    ``weight_bits``: bits (1 is sign), ``odd:4``, ``ternary``, ``sign``, ``codebook:16`` (`grids.grid_of`) or ``keep``
    (integers stay as they are), for all projections or by name (``{"a->b": 8, "default": 4}``). ``membrane_bits``: 2 to
    32, for all populations or by name (``{"output": 16, "default": 8}``), or None for float32 membranes.
    ``calibration`` shows how far membranes go (needed for integer membranes; labels are not looked at). ``clip`` is the
    share of its membrane updates, channel by channel, that may be clipped; ``auto`` clips nothing where the membrane
    is wide enough for the weights, and otherwise tries `CLIPS` and keeps the one that changes spikes and answers on the
    calibration data least. ``rounding`` of the leak, ``floor``, ``zero`` or ``nearest``: None means ``nearest`` for a
    float network and its own for an integer one. ``input_bits`` makes graded float inputs integers of that width (then
    use `quantize_stimulus`).

    Raises NeurosimError naming the part that cannot be an integer and what to do instead.
    """
    widths = _widths(membrane_bits, network)
    integer = any(bits is not None for bits in widths.values())
    _check_arguments(network, weight_bits, integer, calibration, scale, clip, rounding)
    options = _Options(weight_bits, widths, integer, calibration, per_channel, scale, rounding, input_bits)
    if clip != "auto":
        return _quantized(network, options, float(clip))
    best, least, refusal = None, np.inf, None
    for share in (0.0, *CLIPS) if integer else (0.0,):
        try:
            tried = _quantized(network, options, share)
        except MembraneTooNarrow as error:
            refusal = refusal or error
            continue
        if not share and not any(row["coarsened"] for row in tried[1].projections):
            return tried
        if (harm := _harm(network, tried[0], calibration)) < least:
            best, least = tried, harm
    if best is None:
        raise refusal
    return best


@dataclass(frozen=True, eq=False)
class _Options:
    """Checked arguments of `quantize`; ``widths`` are membrane bits by population, ``integer`` if there are any."""

    weight_bits: WeightFormat | Mapping[str, WeightFormat]
    widths: dict[str, int | None]
    integer: bool
    calibration: Stimulus | None
    per_channel: bool
    scale: str
    rounding: str | None
    input_bits: int | None


def _harm(network: Network, other: Network, stimulus: Stimulus) -> float:
    """Mean share of spikes that differ, over the populations, and the share of answers that do."""
    found = compare(network, other, stimulus)
    shares = [row["differing_of_spikes"] for row in found.populations]
    return float(np.mean(shares or [0.0])) + 1.0 - (1.0 if found.same_answers is None else found.same_answers)


def _quantized(network: Network, o: _Options, clip: float) -> tuple[Network, CompressionReport]:
    values = source_values(network, o.integer, o.calibration, o.input_bits)
    groups = {p.name: _n_groups(network, p, o.per_channel) for p in network.populations if isinstance(p.model, Lif)}
    ranges: dict[str, MembraneRange] = {}
    if o.integer:
        for p in network.populations:
            if isinstance(p.model, Lif):
                check_integer_membrane(p)
        ranges = membrane_ranges(network, run_function(network, o.calibration), groups, clip)
    rounding = o.rounding or (None if network.is_integer else "nearest")
    populations, rows, notes, made = [], [], [], {}
    for population in network.populations:
        if not isinstance(population.model, Lif):
            new = values[population.name]
            step = None if new.unit == 1 and population.unit is None else _composed(population, np.array([new.unit]))
            populations.append(replace(population, model=new.model, unit=step))
            made |= {key: (p, None) for key, p in new.into.items()}
            continue
        jobs = jobs_into(network, population, groups[population.name], o.weight_bits, o.scale, values)
        bits, seen = o.widths[population.name], ranges.get(population.name)
        unit, coarse = common_unit(population, jobs, seen, bits)
        model, errors = in_units(population, unit, bits, rounding)
        populations.append(replace(population, model=model, unit=_composed(population, unit)))
        rows.append(_population_row(population, unit, seen, bits, errors))
        made |= narrowed(population, jobs, coarse) | _copies(network, population, unit, values, bits, notes)
    built = [made[id(p)] for p in network.projections]
    widths = sorted({str(bits or "float32") for bits in o.widths.values()})
    said = f"weights {o.weight_bits}, membranes {' and '.join(widths)}" + (f", clip {clip:g}" if o.integer else "")
    result = replace(
        network, populations=tuple(populations), projections=tuple(p for p, _ in built),
        metadata={**network.metadata, "quantised": said},
    )  # fmt: skip
    asked = {"per_channel": o.per_channel, "scale": o.scale, "rounding": rounding}
    report = CompressionReport("quantize", [row for _, row in built if row is not None], rows, notes, asked)
    if o.integer:
        report.parameters["clip"] = clip
        _count_clipping(result, o.calibration, report)
    _notes(report)
    return result, report


def _composed(population: Population, unit: np.ndarray) -> np.ndarray:
    """``unit`` in real values, where the network's own numbers stand for something already."""
    return unit if population.unit is None else unit * population.unit


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
    if clip != "auto" and not (isinstance(clip, (int, float)) and 0 <= clip < 0.5):
        raise NeurosimError(f"quantize.clip: got {clip!r}, expected a share of 0 to below 0.5, or 'auto'")
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


def _copies(network, population, unit: np.ndarray, values: dict[str, Values], bits: int | None, notes: list) -> dict:
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
            raise MembraneTooNarrow(
                f"quantize: projection {p.name}: its weight rounds to 0; give the membrane more bits"
            )
        made[id(p)] = (replace(p, connectivity=Identity(weight), codec=FloatCodec(), weight_shift=0), None)
    return made


def _population_row(population, unit, seen: MembraneRange | None, bits: int | None, errors: dict) -> dict:
    before = population.model.membrane_bits or 32
    row = {"name": population.name, "membrane_bits_before": before, "membrane_bits": bits or 32, **errors}
    row |= {"unit_min": float(unit.min()), "unit_max": float(unit.max()), "units": int(unit.size)}
    if seen is not None:
        row |= {"lowest": float(seen.low.min()), "highest": float(seen.high.max()), "updates": seen.updates}
    n = population.n_neurons
    return row | {"clipped": 0, "bits_before": before * n, "bits_after": (bits or 32) * n}


def _count_clipping(network: Network, calibration: Stimulus, report: CompressionReport) -> None:
    """How often the new network's own membranes were clipped on the calibration stimulus."""
    trace = run_function(network, quantize_stimulus(network, calibration))
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
