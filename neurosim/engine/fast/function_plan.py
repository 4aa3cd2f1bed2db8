"""The network lowered to flat arrays for the functional kernels: what each number means.

Tables of integers have a row per population (``pop``) or projection (``proj``); their columns are named below.
The input sums of a population are kept in its own order: C order, or channel-last (pixel by pixel, channels
contiguous) for the target of a convolution; index of (channel c, pixel p) = c * CHANNEL_STRIDE + p * PIXEL_STRIDE.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

# Kinds of population and of projection.
INPUT, LIF, RELAY = range(3)
DENSE, CONV, SPARSE, POOL, IDENTITY, AND_POPCOUNT, MASKED_SUM, OPERAND = range(8)
LEAK_NONE, LEAK_MULTIPLY, LEAK_SHIFT, LEAK_SUBTRACT = range(4)
ROUND_FLOOR, ROUND_ZERO, ROUND_NEAREST = range(3)
RESET_HARD, RESET_SUBTRACT, RESET_NONE = range(3)
# Which neurons a batch of arrivals touched: every one, marks by neuron, marks by (pixel, granule of channels).
TOUCHED_ALL, TOUCHED_NEURONS, TOUCHED_PIXELS, ARRIVED = 1, 2, 4, 8

POP_COLUMNS = (
    "KIND", "N", "START", "GRADED", "STIMULUS_START", "SHIFT", "CHANNELS", "PIXELS", "CHANNEL_LAST", "GRANULES",
    "LEAK", "ROUNDING", "NUMERATOR", "LEAK_BITS", "AMOUNT", "REST", "RESET_TO", "RESET", "DELAYED", "STRICT",
    "REFRACTORY", "SPIKES", "LEAK_FIRST", "DECAY_INPUT", "LOW", "HIGH", "WRAP_BITS", "IN_START", "IN_STOP",
    "CURRENT", "FLOOR", "MOST", "TERNARY",
    "FUSED", "KEEP", "KEEP_ADD", "KEEP_BITS",
)  # fmt: skip
(
    KIND, N, START, GRADED, STIMULUS_START, SHIFT, CHANNELS, PIXELS, CHANNEL_LAST, GRANULES,
    LEAK, ROUNDING, NUMERATOR, LEAK_BITS, AMOUNT, REST, RESET_TO, RESET, DELAYED, STRICT,
    REFRACTORY, SPIKES, LEAK_FIRST, DECAY_INPUT, LOW, HIGH, WRAP_BITS, IN_START, IN_STOP,
    CURRENT, FLOOR, MOST, TERNARY, FUSED, KEEP, KEEP_ADD, KEEP_BITS,
) = range(len(POP_COLUMNS))  # fmt: skip

# Float parameters of a population: what a leak keeps, what it removes, its amount, v_rest, v_reset, what a synaptic
# current keeps, the floor.
KEEP_F, REMOVE_F, AMOUNT_F, REST_F, RESET_TO_F, CURRENT_F, FLOOR_F = range(7)

PROJ_COLUMNS = (
    "P_KIND", "SOURCE", "DELAY", "PLAIN", "WIDTH", "BASE", "TABLE", "FAN_OUT", "IN_PIXELS", "OUT_PIXELS",
    "IN_GROUP", "GROUP_SIZE", "TAPS", "P_GRANULES", "CHANNEL_STRIDE", "PIXEL_STRIDE", "OUT_CHANNELS", "PARTNER",
)  # fmt: skip
(
    P_KIND, SOURCE, DELAY, PLAIN, WIDTH, BASE, TABLE, FAN_OUT, IN_PIXELS, OUT_PIXELS,
    IN_GROUP, GROUP_SIZE, TAPS, P_GRANULES, CHANNEL_STRIDE, PIXEL_STRIDE, OUT_CHANNELS, PARTNER,
) = range(len(PROJ_COLUMNS))  # fmt: skip


class Tables(NamedTuple):
    """The read-only arrays that a kernel is given. A is the type of the sums: int32, int64 or float32.

    order : (n_populations,) int64, update order. incoming : projections by target, ascending (IN_START..IN_STOP).
    pop : (n_populations, n_columns) int64; pop_float : (n_populations, 7) float32; proj : (n_projections, n_columns).
    gain : (n_projections,) A, factor of a spike's value: the shift left over by SHIFT, or the weight of a pool or copy.
    w8, w16, w32 : weights by width, projections one after another. Dense: (n_source, n_target); conv: (C_in, tap,
    C_out / groups) with kernel columns reversed; sparse: as stored. Float networks: all three are one float32 array.
    ptr : int64 row starts into ``entry`` int32. Sparse: targets. Pool: output pixels by input pixel. Conv: triples
    (output pixel, tap, length) by input pixel, a run of adjacent output pixels that meet adjacent taps.
    threshold, bias, v_init : (n_neurons,) int64 or float32, C order. fused_threshold, fused_bias : the same, int32 in
    integer networks; right where a population is FUSED (see `fused`), cut to the type elsewhere.
    """

    order: np.ndarray
    incoming: np.ndarray
    pop: np.ndarray
    pop_float: np.ndarray
    proj: np.ndarray
    gain: np.ndarray
    w8: np.ndarray
    w16: np.ndarray
    w32: np.ndarray
    ptr: np.ndarray
    entry: np.ndarray
    threshold: np.ndarray
    bias: np.ndarray
    v_init: np.ndarray
    fused_threshold: np.ndarray
    fused_bias: np.ndarray


MOST_SPARE, MOST_SPIKES_KEPT = 16, 1 << 22
Scratch = tuple["Workspace", np.ndarray, np.ndarray]
"""What one worker needs besides the plan: its workspace and its buffers of spikes and their values."""


@dataclass(frozen=True)
class FunctionPlan:
    """A network ready to run. ``sum_type`` is the type of exact input sums, ``narrow`` that of membranes and values."""

    tables: Tables
    sum_type: type
    narrow: type
    n_neurons: int
    largest_population: int
    graded: bool
    in_order: bool
    _spare: list[Scratch] = field(default_factory=list)

    @property
    def n_populations(self) -> int:
        return self.tables.pop.shape[0]

    @property
    def n_bytes(self) -> int:
        """Memory of the tables; float networks count their one weight array three times."""
        return sum(array.nbytes for array in self.tables)

    def take_scratch(self, n_spikes: int) -> Scratch:
        """A workspace and buffers of ``n_spikes`` and more, those of an earlier run if there are any.

        Fresh memory costs a page fault every few thousand bytes, which shows in a short run.
        """
        try:
            work, neuron, value = self._spare.pop()
        except IndexError:
            work, neuron = make_workspace(self), np.zeros(0, np.int32)
        work.saturations[:] = 0
        work.broken[:] = 0
        if neuron.size < self.n_neurons + n_spikes:
            neuron = np.empty(self.n_neurons + n_spikes + 1024, np.int32)
            value = np.empty(neuron.size if self.graded else 0, self.narrow)
        return work, neuron, value

    def give_back(self, scratch: Scratch) -> None:
        """Only after a whole run: its flags and sums are zero again."""
        if len(self._spare) < MOST_SPARE and scratch[1].size <= MOST_SPIKES_KEPT:
            self._spare.append(scratch)


class Workspace(NamedTuple):
    """What one worker changes. State by neuron (n_neurons,): v, synaptic (the current), wait, pending; the rest is
    scratch of one population.

    sums, current : A. marks, pixel_marks : uint8, in the order of the sums; seen : uint8, by
    source, and listed : int32, those that were; chain : (3, largest) int64, see `by_pixel.chain_up`.
    wide : int64 or float32, and narrow : int32 or float32, one block.
    counts : uint8, spikes of a neuron that can send several; of a ternary one 1 for +1, 2 for -1.
    active, fired : uint8 0 or 1; active_words, fired_words : the same memory as uint64.
    saturations, broken : (n_populations,) int64 counts.
    """

    v: np.ndarray
    synaptic: np.ndarray
    wait: np.ndarray
    pending: np.ndarray
    sums: np.ndarray
    current: np.ndarray
    marks: np.ndarray
    seen: np.ndarray
    listed: np.ndarray
    chain: np.ndarray
    pixel_marks: np.ndarray
    wide: np.ndarray
    counts: np.ndarray
    narrow: np.ndarray
    active: np.ndarray
    active_words: np.ndarray
    fired: np.ndarray
    fired_words: np.ndarray
    saturations: np.ndarray
    broken: np.ndarray


BLOCK = 1024
CACHE_LINE_BYTES = 64


def aligned_zeros(n: int, dtype) -> np.ndarray:
    """Zeros that start at a cache line: the kernels' widest loads and stores then touch one line, not two."""
    item = np.dtype(dtype).itemsize
    room = np.zeros(n * item + CACHE_LINE_BYTES, np.uint8)
    first = -room.ctypes.data % CACHE_LINE_BYTES
    return room[first : first + n * item].view(dtype)


def make_workspace(plan: FunctionPlan) -> Workspace:
    n, largest = plan.n_neurons, plan.largest_population
    active_words = np.zeros(-(-n // 8), np.uint64)
    fired_words = np.zeros(-(-largest // 8), np.uint64)
    return Workspace(
        v=aligned_zeros(n, plan.narrow),
        synaptic=np.zeros(n, plan.narrow),
        wait=np.zeros(n, np.uint8),
        pending=np.zeros(n, np.uint8),
        sums=aligned_zeros(largest, plan.sum_type),
        current=aligned_zeros(largest, plan.sum_type),
        marks=np.zeros(largest, np.uint8),
        seen=np.zeros(largest, np.uint8),
        listed=np.zeros(largest + 1, np.int32),
        chain=np.zeros((3, largest if plan.narrow is np.int32 else 0), np.int64),
        pixel_marks=np.zeros(largest, np.uint8),
        wide=np.zeros(BLOCK, np.float32 if plan.narrow is np.float32 else np.int64),
        counts=np.zeros(largest, np.uint8),
        narrow=aligned_zeros(BLOCK, plan.narrow),
        active=active_words.view(np.uint8),
        active_words=active_words,
        fired=fired_words.view(np.uint8),
        fired_words=fired_words,
        saturations=np.zeros(plan.n_populations, np.int64),
        broken=np.zeros(plan.n_populations, np.int64),
    )
