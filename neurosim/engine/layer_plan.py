"""What the two layer engines are given and what they return: plain numbers and flat arrays. Meaning: docs/layer.md.

Layers, weight tiles, tiles and segments are numbered through in the order in which they run; a segment is the rows of
the spike matrix that one projection brings to one tile.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

NONE, DROP_EMPTY_ROWS, PACK = range(3)
PACKINGS = ("none", "drop_empty_rows", "pack")


@dataclass(frozen=True)
class Port:
    """One buffer: word and banks, quanta of one access of all banks."""

    word_bits: int
    banks: int
    read_cycles: int
    write_cycles: int


@dataclass(frozen=True, eq=False)
class LayerPlan:
    """Chip, network and cut as numbers.

    window, batch : timesteps of a full window, and of it those behind one load; packing : one of PACKINGS by number;
    host_in, host_out : (n_populations,) value bits of what the host writes, and of what it reads; 0: nothing.
    layer_population : (n_layers,). layer_ptr : (n_layers + 1,) weight tiles; weight_ptr : tiles of each; tile_ptr :
    segments of each; lane_count : (n_tiles,) neurons. write_bits : (n_layers,) value bits of spikes written, 0: none.
    history : (n_layers,) timesteps that a membrane is worked out from, 0: it is stored.
    load_reads, load_writes : (n_weight_tiles, n_projections) words of one load, in weight memory and weight buffer.
    segment_projection, segment_first, segment_last, segment_times : (n_segments,); rows first..last-1 of row_source
    (global neurons) and row_events; events of a row = row_events x times. segment_kind : ADD, BUILD or COMBINE
    (`neurosim.mapping.layer_tiles`); segment_group : rows of an input channel, for the last two. item_bits :
    (n_projections,) of one weight in the buffer, 0: no weight. slot_cycles : (n_projections,). codewords, index_bits,
    partial_bits : (n_projections,) of a codebook that is reused, 0 codewords: it is not. state_bits, own_bits :
    (n_layers,) a neuron; kept_at_end : (n_layers,) the host reads the membrane after the last timestep.
    """

    n_neurons: int
    timesteps: int
    window: int
    batch: int
    packing: int
    rows: int
    columns: int
    fill_cycles: int
    layer_cycles: int
    update_lanes: int
    state_cycles: int
    step_cycles: int
    update_hidden: bool
    load_hidden: bool
    sum_bits: int
    host_cycles: int
    memory: Port
    weights: Port
    spikes: Port
    sums: Port
    maps: Port
    state_word_bits: int
    offsets: np.ndarray
    host_in: np.ndarray
    host_out: np.ndarray
    layer_population: np.ndarray
    layer_ptr: np.ndarray
    weight_ptr: np.ndarray
    tile_ptr: np.ndarray
    lane_count: np.ndarray
    write_bits: np.ndarray
    state_bits: np.ndarray
    own_bits: np.ndarray
    kept_at_end: np.ndarray
    history: np.ndarray
    load_reads: np.ndarray
    load_writes: np.ndarray
    segment_projection: np.ndarray
    segment_first: np.ndarray
    segment_last: np.ndarray
    segment_times: np.ndarray
    segment_kind: np.ndarray
    segment_group: np.ndarray
    row_source: np.ndarray
    row_events: np.ndarray
    item_bits: np.ndarray
    slot_cycles: np.ndarray
    value_bits: np.ndarray
    codewords: np.ndarray
    index_bits: np.ndarray
    partial_bits: np.ndarray

    @property
    def n_layers(self) -> int:
        return self.layer_population.size

    @property
    def n_projections(self) -> int:
        return self.item_bits.size

    @property
    def n_windows(self) -> int:
        return -(-self.timesteps // self.window)


PROJECTION_COUNTS = (
    "fetched", "filled", "slots", "weight_reads", "spike_reads", "events", "built", "combined",
    "map_writes", "map_reads",
)  # fmt: skip
LAYER_COUNTS = (
    "loads", "sum_writes", "sum_reads", "state_reads", "state_writes", "updates", "spike_writes", "load_busy",
    "array_busy", "update_busy", "folds",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class LayerResult:
    """What happened, over all samples. Both engines: equal in every field. All int64.

    cycles : (samples, windows, 1 + n_layers) quanta; first what the host takes, then each layer.
    by_projection : (n_projections, len(PROJECTION_COUNTS)); by_layer : (n_layers, len(LAYER_COUNTS)), columns in the
    order of those names; host_words : (n_populations, 2) written, read.
    """

    cycles: np.ndarray
    by_projection: np.ndarray
    by_layer: np.ndarray
    host_words: np.ndarray

    def projection(self, name: str) -> np.ndarray:
        """One column of ``by_projection``."""
        return self.by_projection[:, PROJECTION_COUNTS.index(name)]

    def layer(self, name: str) -> np.ndarray:
        """One column of ``by_layer``."""
        return self.by_layer[:, LAYER_COUNTS.index(name)]

    def differences(self, other: LayerResult) -> list[str]:
        """Names of the fields that differ."""
        return [f.name for f in fields(self) if not np.array_equal(getattr(self, f.name), getattr(other, f.name))]
