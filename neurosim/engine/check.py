"""What the functional engines refuse before they start: one set of rules for the reference and the fast engine."""

from __future__ import annotations

import os
from math import prod

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Input, Lif, Relay
from neurosim.snn.products import PRODUCTS, leads
from neurosim.snn.trace import Stimulus

INT32_MAX = 2**31 - 1
# Exact sums keep one bit in hand below int64, for the bias and the membrane that are added to them.
EXACT_LIMIT = 2**62


def value_limits(bits: int, integer: bool) -> tuple[int, int]:
    """Smallest and largest spike value of a population: 1 bit is 1; wider is signed or unsigned, at most int32.

    A graded float value is not limited: its bits are what it costs to carry it, its scale is not known here.
    """
    if bits == 1:
        return 1, 1
    if not integer:
        return -EXACT_LIMIT, EXACT_LIMIT
    return -(1 << (bits - 1)), min((1 << bits) - 1, INT32_MAX)


def largest_value(network: Network, name: str) -> int:
    """Largest magnitude of a spike of population ``name`` in an integer network."""
    model = network.population(name).model
    graded = (isinstance(model, Input) and not model.ternary) or (isinstance(model, Relay) and model.graded)
    if not graded:
        return 1
    return max(abs(limit) for limit in value_limits(model.value_bits, True))


def _fan_in(connectivity) -> int:
    """Most connections into one target neuron."""
    if connectivity.kind == "dense":
        return connectivity.weights.shape[0]
    if connectivity.kind == "conv":
        return prod(connectivity.weights.shape[1:])
    if connectivity.kind == "pool":
        return prod(connectivity.size)
    if connectivity.kind == "identity":
        return 1
    return int(np.bincount(connectivity.indices, minlength=1).max())


def _largest_weight(connectivity) -> int:
    """Largest magnitude of a weight."""
    weights = connectivity.weights
    if weights is None:
        return 1
    return max(-int(weights.min(initial=0)), int(weights.max(initial=0)))


def input_bounds(network: Network) -> list[int]:
    """Upper bound of |I| of each population of an integer network, in Python integers."""
    bounds = [0] * len(network.populations)
    for projection in network.projections:
        target = network.index[projection.target]
        if isinstance(projection.connectivity, PRODUCTS):
            if leads(projection):
                most = projection.connectivity.largest(network.population(projection.source).shape)
                bounds[target] += most << projection.weight_shift
            continue
        bound = _fan_in(projection.connectivity) * _largest_weight(projection.connectivity)
        bound *= largest_value(network, projection.source)
        bounds[target] += bound << projection.weight_shift
    return bounds


def _check_pool(network: Network, projection: Projection) -> None:
    """Max pooling is an OR of binary spikes, which only a relay that is not graded can be."""
    if projection.connectivity.kind != "pool" or projection.connectivity.mode != "max":
        return
    model = network.population(projection.target).model
    where = f"projection {projection.name}"
    if not isinstance(model, Relay) or model.graded:
        raise NeurosimError(
            f"{where}: max pooling into a {'graded relay' if isinstance(model, Relay) else model.kind}; max is the OR "
            f"of binary spikes. Make {projection.target!r} a Relay(graded=False), or pool by sum or average."
        )
    if network.value_bits(projection.source) > 1:
        raise NeurosimError(
            f"{where}: max pooling of {network.value_bits(projection.source)}-bit values; only binary spikes have an "
            "OR. Pool before the values become graded, or use sum or average pooling."
        )


def _check_integer(network: Network) -> None:
    for projection in network.projections:
        connectivity = projection.connectivity
        average = connectivity.kind == "pool" and connectivity.mode == "average"
        if average or (connectivity.weights is not None and connectivity.weights.dtype.kind == "f"):
            raise NeurosimError(
                f"projection {projection.name}: fractions in an integer network. Quantise the weights; for average "
                "pooling use mode 'sum' and fold the division into the next threshold."
            )
    for population, bound in zip(network.populations, input_bounds(network), strict=True):
        _check_exact(population, bound)


def _check_exact(population: Population, bound: int) -> None:
    """Refuse what could leave int64 before the membrane is limited to its own width."""
    widest = bound
    if isinstance(population.model, Lif):
        leak = population.model.leak
        scale = 1
        if leak.kind == "multiply":
            scale = abs(leak.numerator) + abs((1 << leak.shift) - leak.numerator)
        widest = (bound + (1 << (population.model.membrane_bits + 2))) * max(1, scale)
    if widest >= EXACT_LIMIT:
        raise NeurosimError(
            f"population {population.name!r}: its input can reach {bound} and, with its leak, {widest}; exact sums are "
            f"kept below 2^62. Use smaller weights, weight_shift, value_bits or leak numerator."
        )


def check_network(network: Network) -> None:
    """Refuse a network whose meaning the functional engines do not define."""
    for projection in network.projections:
        _check_pool(network, projection)
    if network.is_integer:
        _check_integer(network)


def check_stimulus(network: Network, stimulus: Stimulus) -> None:
    """Refuse a stimulus that does not fit the input populations: their number of neurons, order and values."""
    sizes = {name: network.population(name).n_neurons for name in network.input_names}
    if sum(sizes.values()) != stimulus.n_inputs:
        raise NeurosimError(
            f"stimulus.n_inputs: {stimulus.n_inputs}, but the input populations {sizes} have {sum(sizes.values())} "
            "neurons; encode the data for this network"
        )
    _check_order(stimulus)
    if stimulus.value is None or not stimulus.value.size:
        return
    if stimulus.value.shape != stimulus.neuron.shape:
        raise NeurosimError(f"stimulus.value: {stimulus.value.size} values for {stimulus.neuron.size} spikes")
    if stimulus.value.dtype.kind == "f" and not np.isfinite(stimulus.value).all():
        raise NeurosimError("stimulus.value: contains NaN or infinity; expected finite numbers")
    if (stimulus.value == 0).any():
        raise NeurosimError("stimulus.value: contains 0, which is no spike; leave such entries out")
    if network.is_integer and (stimulus.value != np.floor(stimulus.value)).any():
        raise NeurosimError("stimulus.value: fractions into an integer network; scale and round them first")
    start = 0
    for name, size in sizes.items():
        _check_values(network, stimulus, name, start, start + size)
        start += size


def _check_order(stimulus: Stimulus) -> None:
    ptr = stimulus.ptr
    if ptr[0] != 0 or (np.diff(ptr) < 0).any():
        raise NeurosimError("stimulus.ptr: must start at 0 and never fall")
    falls = np.flatnonzero(np.diff(stimulus.neuron) <= 0) + 1
    inside = falls[ptr[np.searchsorted(ptr, falls)] != falls]
    if inside.size:
        raise NeurosimError(
            f"stimulus.neuron: entry {inside[0]} does not ascend within its timestep; sort the spikes by "
            "(sample, timestep, neuron), one spike a neuron and timestep"
        )


def _check_values(network: Network, stimulus: Stimulus, name: str, start: int, stop: int) -> None:
    bits = network.value_bits(name)
    low, high = value_limits(bits, network.is_integer)
    ternary = network.is_ternary(name)
    if ternary:
        low, high = -1, 1
    here = (stimulus.neuron >= start) & (stimulus.neuron < stop)
    bad = here & ((stimulus.value < low) | (stimulus.value > high))
    if ternary:
        bad = here & (np.abs(stimulus.value) != 1)
    if bad.any():
        first = stimulus.value[np.flatnonzero(bad)[0]]
        raise NeurosimError(
            f"stimulus.value: {int(bad.sum())} value(s) of input population {name!r} do not fit its "
            f"value_bits={bits} ({low} to {high}); first is {first}. Give Input(value_bits=...) the width of the data."
        )


def check_relays(network: Network, broken: np.ndarray) -> None:
    """Refuse a finished run in which graded relays produced values wider than they declare; (n_populations,) counts."""
    for population, count in zip(network.populations, broken, strict=True):
        if count:
            raise NeurosimError(
                f"population {population.name!r}: {int(count)} relay value(s) do not fit value_bits="
                f"{population.model.value_bits}; declare wider values"
            )


def _physical_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def check_memory(network: Network, stimulus: Stimulus, limit_bytes: int | None = None) -> None:
    """Refuse a run whose activity bits and membranes alone exceed the machine's memory (or ``limit_bytes``)."""
    steps = stimulus.n_samples * stimulus.timesteps
    need = steps * -(-network.n_neurons // 8) + stimulus.n_samples * network.n_neurons * 4
    limit = limit_bytes or _physical_bytes()
    if limit is not None and need > limit:
        raise NeurosimError(
            f"function: {stimulus.n_samples} samples x {stimulus.timesteps} timesteps x {network.n_neurons} neurons "
            f"need {need / 1e9:.1f} GB for activity bits and membranes; the machine has {limit / 1e9:.1f} GB. "
            "Run fewer samples at a time (Stimulus.head, or --samples)."
        )
