"""Lowering: a checked network to a `FunctionPlan`. Done once; convolutions are never unrolled."""

from __future__ import annotations

from math import lcm, prod

import numpy as np

from neurosim.engine.check import INT32_MAX, input_bounds, value_limits
from neurosim.engine.fast import function_plan as fp
from neurosim.engine.fast.fused_lower import mark_fused, narrowed
from neurosim.snn.connectivity import Conv2d, Dense, Pool2d, Sparse
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import LEAKS, RESETS, ROUNDINGS, Input, Lif, Relay
from neurosim.snn.products import PRODUCTS, AndPopcount, leads, partner, tokens_of

INTEGER_WIDTHS = (np.int8, np.int16, np.int32)


def lower_function(network: Network) -> fp.FunctionPlan:
    """Flat arrays of a network that `neurosim.engine.check.check_network` has accepted."""
    integer = network.is_integer
    sum_type = np.float32
    if integer:
        sum_type = np.int32 if max(input_bounds(network)) <= INT32_MAX else np.int64
    pop, pop_float = _populations(network)
    pools = _Pools(integer)
    rows = [_projection(network, projection, pop, pools) for projection in network.projections]
    proj = np.array(rows, np.int64).reshape(-1, len(fp.PROJ_COLUMNS))
    w8, w16, w32 = pools.weights()
    numbers = {name: _per_neuron(network, name) for name in ("threshold", "bias", "v_init")}
    tables = fp.Tables(
        order=np.array(network.update_order, np.int64),
        incoming=_incoming(network, pop),
        pop=pop,
        pop_float=pop_float,
        proj=proj,
        gain=np.array([_gain(network, projection, pop) for projection in network.projections], sum_type),
        w8=w8,
        w16=w16,
        w32=w32,
        ptr=pools.joined(pools.ptr, np.int64),
        entry=pools.joined(pools.entry, np.int32),
        **numbers,
        **{f"fused_{name}": narrowed(numbers[name]) for name in ("threshold", "bias")},
    )
    mark_fused(network, pop)
    return fp.FunctionPlan(
        tables=tables,
        sum_type=sum_type,
        narrow=np.int32 if integer else np.float32,
        n_neurons=network.n_neurons,
        largest_population=max(p.n_neurons for p in network.populations),
        graded=bool(pop[:, fp.GRADED].any()),
        in_order=network.update_order == tuple(range(len(network.populations))),
    )


class _Pools:
    """Weights by width and index tables, laid one after another; a projection remembers where its own start."""

    def __init__(self, integer: bool) -> None:
        self.integer = integer
        self.by_width: list[list[np.ndarray]] = [[], [], []]
        self.ptr: list[np.ndarray] = []
        self.entry: list[np.ndarray] = []

    def add_weights(self, weights: np.ndarray, shift: int) -> tuple[int, int]:
        """Width and start of the flattened weights. Float weights take their shift here; it is a power of two."""
        if not self.integer:
            width, kept = 0, weights.astype(np.float32) * np.float32(1 << shift)
        else:
            low, high = int(weights.min(initial=0)), int(weights.max(initial=0))
            fits = [np.iinfo(t).min <= low and high <= np.iinfo(t).max for t in INTEGER_WIDTHS]
            width = fits.index(True)
            kept = weights.astype(INTEGER_WIDTHS[width])
        start = sum(array.size for array in self.by_width[width])
        self.by_width[width].append(kept.ravel())
        return width, start

    def add_table(self, ptr: np.ndarray, entry: np.ndarray, step: int = 1) -> tuple[int, int]:
        """Start of the row starts in ``ptr``, and of the entries in ``entry``."""
        first = sum(array.size for array in self.entry)
        row = sum(array.size for array in self.ptr)
        self.ptr.append(np.asarray(ptr, np.int64) * step + first)
        self.entry.append(np.asarray(entry, np.int32).ravel())
        return row, first

    def joined(self, arrays: list[np.ndarray], dtype) -> np.ndarray:
        out = fp.aligned_zeros(sum(array.size for array in arrays), dtype)
        return np.concatenate([np.zeros(0, dtype), *arrays], out=out)

    def weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not self.integer:
            joined = self.joined(self.by_width[0], np.float32)
            return joined, joined, joined
        widths = zip(self.by_width, INTEGER_WIDTHS, strict=True)
        return tuple(self.joined(arrays, dtype) for arrays, dtype in widths)


def _per_neuron(network: Network, name: str) -> np.ndarray:
    out = np.zeros(network.n_neurons, np.int64 if network.is_integer else np.float32)
    for population, start in zip(network.populations, network.offsets[:-1], strict=True):
        model = population.model
        if isinstance(model, Lif) and getattr(model, name) is not None:
            out[start : start + population.n_neurons] = model.per_neuron(name, population.shape, population.name)
    return out


def _incoming(network: Network, pop: np.ndarray) -> np.ndarray:
    """Projections grouped by target, in their order; notes where each group lies."""
    groups = [[i for i, q in enumerate(network.projections) if q.target == p.name] for p in network.populations]
    stops = np.cumsum([len(group) for group in groups])
    pop[:, fp.IN_STOP] = stops
    pop[1:, fp.IN_START] = stops[:-1]
    return np.array([i for group in groups for i in group], np.int64)


def _populations(network: Network) -> tuple[np.ndarray, np.ndarray]:
    pop = np.zeros((len(network.populations), len(fp.POP_COLUMNS)), np.int64)
    pop_float = np.zeros((len(network.populations), 7), np.float32)
    stimulus_start = 0
    for position, population in enumerate(network.populations):
        row, model = pop[position], population.model
        row[fp.N], row[fp.START] = population.n_neurons, network.offsets[position]
        _layout(network, population, row)
        if isinstance(model, Input):
            row[fp.KIND], row[fp.STIMULUS_START] = fp.INPUT, stimulus_start
            row[fp.GRADED] = model.value_bits > 1
            stimulus_start += population.n_neurons
        elif isinstance(model, Relay):
            row[fp.KIND], row[fp.GRADED] = fp.RELAY, model.graded
            row[fp.LOW], row[fp.HIGH] = value_limits(model.value_bits, network.is_integer)
        else:
            _lif(model, row, pop_float[position])
    return pop, pop_float


def _layout(network: Network, population: Population, row: np.ndarray) -> None:
    """Order of the input sums, and the shift that all projections into the population share."""
    into = [projection for projection in network.projections if projection.target == population.name]
    convs = [projection.connectivity for projection in into if isinstance(projection.connectivity, Conv2d)]
    row[fp.CHANNELS] = population.shape[0] if len(population.shape) == 3 else 1
    row[fp.PIXELS] = population.n_neurons // row[fp.CHANNELS]
    row[fp.CHANNEL_LAST] = bool(convs)
    row[fp.GRANULES] = lcm(*(conv.groups for conv in convs)) if convs else 1
    row[fp.SHIFT] = min((p.weight_shift for p in into), default=0) if network.is_integer else 0


def _lif(model: Lif, row: np.ndarray, numbers: np.ndarray) -> None:
    leak = model.leak
    row[fp.KIND] = fp.LIF
    row[fp.LEAK], row[fp.ROUNDING] = LEAKS.index(leak.kind), ROUNDINGS.index(leak.rounding)
    row[fp.LEAK_BITS], row[fp.RESET] = leak.shift or 0, RESETS.index(model.reset)
    row[fp.DELAYED], row[fp.STRICT] = model.reset_delay, model.compare == ">"
    row[fp.REFRACTORY], row[fp.SPIKES] = model.refractory, model.threshold is not None
    row[fp.LEAK_FIRST], row[fp.DECAY_INPUT] = model.leak_first_step, model.decay_input
    row[fp.CURRENT], row[fp.FLOOR] = model.current_keep is not None, model.v_floor is not None
    row[fp.MOST], row[fp.GRADED] = model.max_spikes, model.max_spikes > 1 or model.ternary
    row[fp.TERNARY] = model.ternary
    if model.membrane_bits is None:
        _lif_float(model, numbers)
        return
    row[fp.NUMERATOR], row[fp.AMOUNT] = leak.numerator or 0, int(leak.amount or 0)
    row[fp.REST], row[fp.RESET_TO] = int(model.v_rest), int(model.v_reset)
    half = 1 << (model.membrane_bits - 1)
    row[fp.LOW], row[fp.HIGH] = -half, half - 1
    row[fp.WRAP_BITS] = model.membrane_bits if model.overflow == "wrap" else 0


def _lif_float(model: Lif, numbers: np.ndarray) -> None:
    leak = model.leak
    if leak.kind == "multiply":
        keep = np.float32(leak.numerator / 2**leak.shift if leak.factor is None else leak.factor)
        numbers[fp.KEEP_F], numbers[fp.REMOVE_F] = keep, np.float32(1) - keep
    elif leak.kind == "shift":
        numbers[fp.REMOVE_F] = 2.0**-leak.shift
    numbers[fp.AMOUNT_F] = leak.amount or 0
    numbers[fp.REST_F], numbers[fp.RESET_TO_F] = model.v_rest, model.v_reset
    numbers[fp.CURRENT_F], numbers[fp.FLOOR_F] = model.current_keep or 0, model.v_floor or 0


def _gain(network: Network, projection: Projection, pop: np.ndarray):
    """Factor of a spike's value, exact in Python integers; see `function_plan.Tables.gain`."""
    connectivity = projection.connectivity
    weight = 1
    if connectivity.kind in ("pool", "identity"):
        one = connectivity.weights if connectivity.kind == "identity" else _pool_weight(connectivity)
        weight = one[0]
    if network.is_integer:
        shared = int(pop[network.index[projection.target], fp.SHIFT])
        return int(weight) << (projection.weight_shift - shared)
    shifted = connectivity.kind in ("pool", "identity")
    return np.float32(weight) * np.float32(1 << projection.weight_shift) if shifted else np.float32(1)


def _pool_weight(pool: Pool2d) -> np.ndarray:
    """What one spike adds to its window, in the type the network stores."""
    average = pool.mode == "average"
    return np.array([1.0 / prod(pool.size) if average else 1], np.float32 if average else np.int8)


def _projection(network: Network, projection: Projection, pop: np.ndarray, pools: _Pools) -> np.ndarray:
    row = np.zeros(len(fp.PROJ_COLUMNS), np.int64)
    source, target = network.population(projection.source), network.population(projection.target)
    target_row = pop[network.index[target.name]]
    channels, pixels = int(target_row[fp.CHANNELS]), int(target_row[fp.PIXELS])
    last = bool(target_row[fp.CHANNEL_LAST])
    row[fp.SOURCE], row[fp.DELAY] = network.index[source.name], projection.delay
    row[fp.CHANNEL_STRIDE], row[fp.PIXEL_STRIDE] = (1, channels) if last else (pixels, 1)
    row[fp.OUT_PIXELS], row[fp.OUT_CHANNELS], row[fp.FAN_OUT] = pixels, channels, target.n_neurons
    graded = pop[row[fp.SOURCE], fp.GRADED]
    row[fp.PLAIN] = not graded and _gain(network, projection, pop) == 1
    connectivity = projection.connectivity
    if isinstance(connectivity, Dense):
        _dense(connectivity, projection, row, (channels, pixels) if last else None, pools)
    elif isinstance(connectivity, Conv2d):
        _conv(connectivity, projection, source, row, int(target_row[fp.GRANULES]), pools)
    elif isinstance(connectivity, Sparse):
        _sparse(connectivity, projection, row, (channels, pixels) if last else None, pools)
    elif isinstance(connectivity, Pool2d):
        _pool(connectivity, source, row, pools)
    elif isinstance(connectivity, PRODUCTS):
        _product(network, projection, row, last)
    else:
        row[fp.P_KIND] = fp.IDENTITY
    return row


def _product(network: Network, projection: Projection, row, last: bool) -> None:
    """IN_GROUP: channels of a head, IN_PIXELS: tokens, PARTNER: population of the other operand."""
    row[fp.P_KIND] = fp.OPERAND
    if not leads(projection):
        return
    and_popcount = isinstance(projection.connectivity, AndPopcount)
    row[fp.P_KIND] = fp.AND_POPCOUNT if and_popcount else fp.MASKED_SUM
    other = network.population(partner(network, projection).source)
    row[fp.PARTNER] = network.index[other.name]
    if not last:
        row[fp.CHANNEL_STRIDE], row[fp.PIXEL_STRIDE] = tokens_of(network.population(projection.target).shape), 1
    row[fp.IN_GROUP], row[fp.IN_PIXELS] = other.shape[0] // projection.connectivity.heads, tokens_of(other.shape)


def _dense(dense: Dense, projection: Projection, row, channel_last, pools: _Pools) -> None:
    weights = dense.weights
    if channel_last:
        channels, pixels = channel_last
        weights = weights.reshape(-1, channels, pixels).transpose(0, 2, 1)
    row[fp.P_KIND] = fp.DENSE
    row[fp.WIDTH], row[fp.BASE] = pools.add_weights(weights, projection.weight_shift)


def _sparse(sparse: Sparse, projection: Projection, row, channel_last, pools: _Pools) -> None:
    indices = sparse.indices
    if channel_last:
        channels, pixels = channel_last
        indices = indices % pixels * channels + indices // pixels
    row[fp.P_KIND] = fp.SPARSE
    row[fp.TABLE], first = pools.add_table(sparse.indptr, indices)
    row[fp.WIDTH], start = pools.add_weights(sparse.weights, projection.weight_shift)
    row[fp.BASE] = start - first


def _runs(ptr: np.ndarray, out: np.ndarray, tap: np.ndarray, merge: bool) -> tuple:
    """Row starts and (output pixel, tap, length) triples; pairs of which both are adjacent become one run.

    A run stays in one kernel row: towards lower output rows the taps fall.
    """
    n = out.size
    starts = np.ones(n, bool)
    if merge and n:
        starts[1:] = (np.diff(out) != 1) | (np.diff(tap) != 1)
        starts[ptr[:-1][ptr[:-1] < n]] = True
    first = np.flatnonzero(starts)
    length = np.diff(np.append(first, n))
    count = np.concatenate([[0], np.cumsum(starts)])
    return count[ptr], np.stack([out[first], tap[first], length], axis=1)


def _conv(conv: Conv2d, projection: Projection, source: Population, row, granules: int, pools: _Pools) -> None:
    """Kernels (C_in, tap, C_out / groups) with columns reversed: a spike meets output pixels from left to right."""
    out_channels, in_group, height, width = conv.weights.shape
    group_size = out_channels // conv.groups
    kernels = conv.weights.reshape(conv.groups, group_size, in_group, height, width)[..., ::-1]
    kernels = kernels.transpose(0, 2, 3, 4, 1)
    ptr, out, tap = conv.windows(source.shape)
    reversed_tap = tap // width * width + (width - 1 - tap % width)
    run_ptr, runs = _runs(ptr, out, reversed_tap, merge=conv.groups == 1)
    row[fp.P_KIND] = fp.CONV
    row[fp.TABLE], _ = pools.add_table(run_ptr, runs, step=3)
    row[fp.WIDTH], row[fp.BASE] = pools.add_weights(kernels, projection.weight_shift)
    row[fp.IN_PIXELS], row[fp.IN_GROUP] = source.shape[1] * source.shape[2], in_group
    row[fp.GROUP_SIZE], row[fp.TAPS] = group_size, height * width
    row[fp.P_GRANULES] = granules // conv.groups


def _pool(pool: Pool2d, source: Population, row, pools: _Pools) -> None:
    window = Conv2d(np.zeros((1, 1, *pool.size), np.int8), pool.stride, pool.padding)
    ptr, out, _ = window.windows((1, *source.shape[1:]))
    row[fp.P_KIND] = fp.POOL
    row[fp.TABLE], _ = pools.add_table(ptr, out)
    row[fp.IN_PIXELS] = source.shape[1] * source.shape[2]
