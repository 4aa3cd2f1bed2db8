"""Random small attention networks, and one with fixed sizes."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from neurosim.snn import (
    AndPopcount,
    Conv2d,
    Dense,
    Identity,
    Input,
    IntCodec,
    Leak,
    Lif,
    MaskedSum,
    Network,
    Population,
    Projection,
    Readout,
    Relay,
    Stimulus,
)

BITS = 20


def lif(threshold: int, reset: str = "subtract", shift: int | None = 1) -> Lif:
    leak = Leak() if shift is None else Leak("shift", shift=shift)
    return Lif(threshold, leak, reset=reset, membrane_bits=BITS)


def attention(
    heads: int,
    per_head: int,
    tokens: tuple[int, ...],
    seed: int = 0,
    *,
    map_model=None,
    mixed_model=None,
    map_shift: int = 0,
    mixed_shift: int = 0,
    late_value: bool = False,
    extra: str = "none",
) -> Network:
    """q, k, v from one binary input; map; mixed; output. ``late_value``: v is a level later than q and k, as deep as
    the map. ``extra``: another projection into mixed, of another kind."""  # fmt: skip
    rng = np.random.default_rng(seed)
    shape, n = (heads * per_head, *tokens), int(np.prod(tokens))
    size = shape[0] * n

    def dense(source: str, target: str, n_out: int) -> Projection:
        weights = rng.integers(-3, 4, (n_out if source == "mixed_" else size, n_out))
        return Projection(source, target, Dense(weights.astype(np.int8)), IntCodec(4))

    populations = [
        Population("input", shape, Input()),
        Population("query", shape, lif(2)),
        Population("key", shape, lif(3)),
        Population("value", shape, lif(2, "hard")),
        Population("map", (heads, n, n), map_model or lif(1 << map_shift)),
        Population("mixed", shape, mixed_model or lif(1 << mixed_shift, "hard")),
        Population("output", (5,), Lif(None, membrane_bits=BITS)),
    ]
    projections = [dense("input", name, size) for name in ("query", "key")]
    projections += [dense("key" if late_value else "input", "value", size)]
    projections += [
        Projection("query", "map", AndPopcount(heads, "query"), weight_shift=map_shift, port="query"),
        Projection("key", "map", AndPopcount(heads, "key"), port="key"),
        Projection("map", "mixed", MaskedSum(heads, "mask"), weight_shift=mixed_shift, port="mask"),
        Projection("value", "mixed", MaskedSum(heads, "value"), port="value"),
        dense("mixed", "output", 5),
    ]
    if extra == "identity":
        projections.insert(3, Projection("query", "mixed", Identity(-2)))
    if extra == "conv" and len(shape) == 3:
        kernel = rng.integers(-2, 3, (shape[0], shape[0], 1, 1)).astype(np.int8)
        projections.append(Projection("input", "mixed", Conv2d(kernel), IntCodec(4)))
    return Network(tuple(populations), tuple(projections), Readout("output", "membrane"), "attention")


def stimulus(network: Network, samples: int, timesteps: int, rate: float, seed: int = 0) -> Stimulus:
    n = network.populations[0].n_neurons
    spikes = np.random.default_rng(seed).random((samples, timesteps, n)) < rate
    return Stimulus.from_dense(spikes)


@st.composite
def attention_cases(draw, late: bool = True):
    """(network, stimulus)."""
    heads, per_head = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, 5, 11]))
    tokens = draw(st.sampled_from([(1,), (2,), (3,), (5,), (2, 2), (1, 3), (2, 3)]))
    relay = Relay(graded=True, value_bits=12)
    network = attention(
        heads, per_head, tokens, draw(st.integers(0, 999)),
        map_model=draw(st.sampled_from([None, lif(2), lif(2, "hard", None), Relay(False)])),
        mixed_model=draw(st.sampled_from([None, lif(3), relay])),
        map_shift=draw(st.sampled_from([0, 0, 2])), mixed_shift=draw(st.sampled_from([0, 1, 3])),
        late_value=late and draw(st.booleans()), extra=draw(st.sampled_from(["none", "identity", "conv"])),
    )  # fmt: skip
    rate = draw(st.sampled_from([0.0, 0.2, 0.5, 1.0]))
    return network, stimulus(network, draw(st.integers(1, 3)), draw(st.integers(1, 4)), rate, draw(st.integers(0, 99)))
