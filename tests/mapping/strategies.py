"""Small chips and networks for the mapping tests."""

import numpy as np
from hypothesis import strategies as st

from neurosim.arch import load_chip
from neurosim.snn import (
    BinaryCodec,
    CodebookCodec,
    Conv2d,
    Dense,
    Identity,
    Input,
    IntCodec,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Readout,
    Relay,
    Sparse,
)


def changed(chip, path, value):
    """The chip with one field replaced; ``path`` is dotted."""
    head, _, rest = path.partition(".")
    inner = changed(getattr(chip, head), rest, value) if rest else value
    return chip.model_copy(update={head: inner})


def edge(**changes):
    """edge-28nm with fields replaced; double underscores stand for dots."""
    chip = load_chip("edge-28nm")
    for path, value in changes.items():
        chip = changed(chip, path.replace("__", "."), value)
    return chip


def ints(rng, low, high, *shape):
    return rng.integers(low, high + 1, shape).astype(np.int8)


def one_of_each(seed=0):
    """Conv, pool, identity, sparse with a loop and a delay, dense; 4-, 1-, 8-bit and codebook weights."""
    rng = np.random.default_rng(seed)
    lif = Lif(20, membrane_bits=20)
    book = CodebookCodec(tuple(map(tuple, rng.permutation([-1, 1] * 18).reshape(4, 9).tolist())))
    words = book.decode(rng.integers(0, 4, 12)).reshape(4, 3, 3, 3)
    mask = rng.random((64, 64)) < 0.1
    sparse = Sparse(
        np.concatenate([[0], np.cumsum(mask.sum(1))]), np.nonzero(mask)[1], ints(rng, -7, 7, int(mask.sum()))
    )
    populations = [
        Population("in", (2, 8, 8), Input()),
        Population("a", (3, 8, 8), Lif([5, 6, 7], membrane_bits=20)),
        Population("b", (4, 4, 4), lif),
        Population("c", (4, 4, 4), Lif(np.arange(1, 65), bias=2, membrane_bits=20)),
        Population("p", (4, 2, 2), Relay()),
        Population("o", (5,), lif),
    ]
    projections = [
        Projection("in", "a", Conv2d(ints(rng, -7, 7, 3, 2, 3, 3), padding=1), IntCodec(4)),
        Projection("a", "b", Conv2d(words, stride=2, padding=1), book),
        Projection("b", "c", Identity(1), delay=3),
        Projection("b", "c", Conv2d(rng.choice([-1, 1], (4, 1, 3, 3)), padding=1, groups=4), BinaryCodec()),
        Projection("c", "c", sparse, IntCodec(4), delay=1),
        Projection("c", "p", Pool2d("max", 2)),
        Projection("p", "o", Dense(ints(rng, -100, 100, 16, 5)), IntCodec(8)),
    ]
    return Network(populations, projections, Readout("o", "count"), "one-of-each")


@st.composite
def mlps(draw):
    """Fully connected networks with a random width each."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    sizes = draw(st.lists(st.integers(1, 40), min_size=2, max_size=4))
    bits = draw(st.integers(2, 8))
    populations = [Population("l0", (sizes[0],), Input())]
    populations += [Population(f"l{i}", (n,), Lif(9, membrane_bits=16)) for i, n in enumerate(sizes) if i]
    top = 2 ** (bits - 1) - 1
    projections = [
        Projection(f"l{i}", f"l{i + 1}", Dense(ints(rng, -top, top, n, sizes[i + 1])), IntCodec(bits))
        for i, n in enumerate(sizes[:-1])
    ]
    return Network(populations, projections, Readout(f"l{len(sizes) - 1}", "membrane"))
