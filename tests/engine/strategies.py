"""Hypothesis strategies: random small networks over every feature, and stimuli for them. For any engine's tests.

    @given(cases())
    def test(case):
        network, stimulus = case

``networks(integer=True, max_neurons=60)`` draws a network alone. Structure (sizes, kinds, rules) is drawn by
hypothesis, so that failures shrink; weights and spikes come from a numpy generator with a drawn seed.
"""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import strategies as st

from neurosim.snn import (
    Conv2d,
    Dense,
    FloatCodec,
    Identity,
    Input,
    IntCodec,
    Leak,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Readout,
    Relay,
    Sparse,
    Stimulus,
)  # fmt: skip
from neurosim.snn.neuron import LEAKS, RESETS, ROUNDINGS


@st.composite
def leaks(draw, integer: bool):
    kind = draw(st.sampled_from(LEAKS))
    rounding = draw(st.sampled_from(ROUNDINGS))
    shift = draw(st.integers(0, 5))
    if kind == "multiply" and not integer and draw(st.booleans()):
        return Leak("multiply", factor=draw(st.sampled_from([0.0, 0.5, 0.9, 0.95, 1.0])))
    if kind == "multiply":
        return Leak("multiply", numerator=draw(st.integers(0, 1 << shift)), shift=shift, rounding=rounding)
    if kind == "shift":
        return Leak("shift", shift=shift, rounding=rounding)
    if kind == "subtract":
        return Leak("subtract", amount=draw(st.integers(0, 4) if integer else st.sampled_from([0.0, 0.3, 1.0])))
    return Leak()


def _vector(draw, rng, shape, low, high, integer):
    """One value, one a channel or one a neuron."""
    size = draw(st.sampled_from([1, shape[0], prod(shape)]))
    if integer:
        return rng.integers(low, high + 1, size)
    return (rng.random(size) * (high - low) + low).astype(np.float32)


@st.composite
def lifs(draw, shape, integer: bool):
    """Any `Lif` for a population of ``shape``; narrow membranes are likely, so that they overflow."""
    leak = draw(leaks(integer))
    bits = draw(st.sampled_from([4, 5, 8, 16, 32])) if integer else None
    top = min(12, (1 << (bits - 1)) - 1) if integer else 3
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    lowest = draw(st.sampled_from([1, 1, -2]))
    mostly_zero = st.sampled_from([0, 0, 1, -2])
    extra = {} if integer else {
        "current_keep": draw(st.sampled_from([None, None, 0.0, 0.5, 0.9])),
        "v_floor": draw(st.sampled_from([None, None, -1.0, 0.0])),
    }  # fmt: skip
    if not integer and draw(st.integers(0, 4)) == 0:
        # Several spikes a step: what that needs is drawn with it.
        return Lif(
            threshold=_vector(draw, rng, shape, 0.2, 2, False), leak=leak, reset=draw(st.sampled_from(RESETS)),
            max_spikes=draw(st.sampled_from([2, 3, 255])), refractory=draw(st.sampled_from([0, 1])), **extra,
        )  # fmt: skip
    if draw(st.integers(0, 4)) == 0:
        # Ternary spikes: positive thresholds and a reset in the same step.
        return Lif(
            **extra, threshold=_vector(draw, rng, shape, 1, top, integer), leak=leak, ternary=True,
            decay_input=leak.kind in ("multiply", "shift") and draw(st.booleans()),
            compare=draw(st.sampled_from([">", ">="])), reset=draw(st.sampled_from(RESETS)),
            v_reset=draw(mostly_zero), v_rest=draw(mostly_zero),
            bias=_vector(draw, rng, shape, -2, 2, integer) if draw(st.booleans()) else 0,
            refractory=draw(st.sampled_from([0, 0, 1, 3])), leak_first_step=draw(st.booleans()), membrane_bits=bits,
            overflow=draw(st.sampled_from(["saturate", "wrap"])),
        )  # fmt: skip
    return Lif(
        **extra,
        threshold=None if draw(st.integers(0, 5)) == 5 else _vector(draw, rng, shape, lowest, top, integer),
        leak=leak,
        decay_input=leak.kind in ("multiply", "shift") and draw(st.booleans()),
        compare=draw(st.sampled_from([">", ">="])),
        reset=draw(st.sampled_from(RESETS)),
        v_reset=draw(mostly_zero),
        reset_delay=draw(st.booleans()),
        v_rest=draw(mostly_zero),
        v_init=_vector(draw, rng, shape, -3, 3, integer) if draw(st.booleans()) else 0,
        bias=_vector(draw, rng, shape, -2, 2, integer) if draw(st.booleans()) else 0,
        refractory=draw(st.sampled_from([0, 0, 1, 3])),
        leak_first_step=draw(st.booleans()),
        membrane_bits=bits,
        overflow=draw(st.sampled_from(["saturate", "wrap"])),
    )  # fmt: skip


def _weights(draw, rng, shape, integer):
    """Narrow or wide integers, so that every stored width occurs; or floats with awkward fractions."""
    if not integer:
        return (rng.normal(size=shape)).astype(np.float32)
    high = draw(st.sampled_from([3, 3, 3, 300, 40000]))
    return rng.integers(-high, high + 1, shape).astype(np.int32)


@st.composite
def _convs(draw, rng, source, integer):
    channels, height, width = source
    groups = draw(st.sampled_from([g for g in (1, 2, channels) if channels % g == 0]))
    kernel = draw(st.integers(1, min(3, height))), draw(st.integers(1, min(3, width)))
    weights = _weights(draw, rng, (groups * draw(st.integers(1, 2)), channels // groups, *kernel), integer)
    pair = st.tuples(st.integers(1, 2), st.integers(1, 2))
    stride, dilation = draw(pair), draw(pair)
    padding = tuple(draw(st.integers(d * (k - 1) // 2, 2)) for d, k in zip(dilation, kernel, strict=True))
    return Conv2d(weights, stride, padding, dilation, groups)


@st.composite
def _pools(draw, source, integer, mode=None):
    size = draw(st.integers(1, min(2, source[1]))), draw(st.integers(1, min(2, source[2])))
    mode = mode or draw(st.sampled_from(["sum"] if integer else ["sum", "average"]))
    stride = draw(st.sampled_from([None, (1, 1), (2, 1)]))
    return Pool2d(mode, size, stride, draw(st.sampled_from([(0, 0), (1, 0)])))


def _sparse(draw, rng, n_source, n_target, integer):
    mask = rng.random((n_source, n_target)) < draw(st.sampled_from([0.0, 0.2, 0.7]))
    weights = _weights(draw, rng, (int(mask.sum()),), integer)
    indptr = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    return Sparse(indptr, np.nonzero(mask)[1], weights)


@st.composite
def _projections(draw, source: Population, target: Population, integer: bool, delays):
    """A projection that fits two given populations: dense, sparse, or identity when the sizes agree."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    n, m = source.n_neurons, target.n_neurons
    kind = draw(st.sampled_from(["dense", "sparse"] + ["identity"] * (n == m)))
    if kind == "identity":
        connectivity = Identity(draw(st.sampled_from([1, -2, 3] if integer else [1, 0.3])))
    elif kind == "dense":
        connectivity = Dense(_weights(draw, rng, (n, m), integer))
    else:
        connectivity = _sparse(draw, rng, n, m, integer)
    return _projection(draw, source, target, connectivity, integer, draw(delays))


def _projection(draw, source, target, connectivity, integer, delay):
    codec = IntCodec(24) if integer else FloatCodec()
    shift = draw(st.sampled_from([0, 0, 1, 6])) if connectivity.event == "synapse" else 0
    return Projection(source.name, target.name, connectivity, codec, delay, shift)


def _relay(draw, connectivity, source: Population):
    """A relay wide enough for a pool or a copy of what ``source`` sends."""
    if connectivity.kind == "pool" and connectivity.mode == "max":
        return Relay(graded=False)
    return Relay(graded=True, value_bits=24) if draw(st.booleans()) else Relay(graded=False)


@st.composite
def _image_layers(draw, source: Population, name: str, integer: bool):
    """A convolution into a `Lif`, or a pool into a relay, over an image-shaped population."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    model = source.model
    if isinstance(model, Lif):
        binary = model.max_spikes == 1 and not model.ternary
    else:
        binary = not getattr(model, "graded", model.value_bits > 1)
    if draw(st.booleans()):
        connectivity = draw(_convs(rng, source.shape, integer))
        shape = connectivity.output_shape(source.shape)
        return Population(name, shape, draw(lifs(shape, integer))), connectivity
    mode = "max" if binary and draw(st.booleans()) else None
    connectivity = draw(_pools(source.shape, integer, mode))
    shape = connectivity.output_shape(source.shape)
    return Population(name, shape, _relay(draw, connectivity, source)), connectivity


@st.composite
def networks(
    draw,
    integer: bool | None = None,
    max_neurons: int = 60,
    max_layers: int = 4,
    max_delay: int = 3,
    recurrent: bool = True,
    graded: bool = True,
):
    """A random network of at most about ``max_neurons`` neurons.

    ``integer`` None draws either kind. ``graded=False`` gives binary inputs; ``recurrent=False`` no loops.
    """
    integer = draw(st.booleans()) if integer is None else integer
    shapes = [(1,), (3,), (7,), (1, 3, 3), (2, 4, 3), (3, 2, 5)]
    bits = st.sampled_from([1, 1, 8, 12] if graded else [1])
    inputs = st.builds(Input, bits)
    if graded:
        inputs |= st.just(Input(2, ternary=True))
    populations = [
        Population(f"in{i}", draw(st.sampled_from(shapes)), draw(inputs)) for i in range(draw(st.integers(1, 2)))
    ]
    projections: list[Projection] = []
    delays = st.integers(0, max_delay) if max_delay else st.just(0)
    for i in range(draw(st.integers(1, max_layers))):
        source = draw(st.sampled_from(populations))
        left = max_neurons - sum(p.n_neurons for p in populations)
        made = None
        if len(source.shape) == 3 and draw(st.integers(0, 3)):
            made = draw(_image_layers(source, f"p{i}", integer))
        if made is None or made[0].n_neurons > left:
            shape = draw(st.sampled_from([s for s in shapes if prod(s) <= max(left, 1)]))
            population = Population(f"p{i}", shape, draw(lifs(shape, integer)))
            projections.append(draw(_projections(source, population, integer, delays)))
        else:
            population, connectivity = made
            projections.append(_projection(draw, source, population, connectivity, integer, draw(delays)))
        populations.append(population)
    projections += draw(_extra(populations, integer, delays, recurrent))
    order = draw(st.permutations(populations)) if draw(st.booleans()) else populations
    return Network(order, draw(st.permutations(projections)), Readout(order[-1].name))


@st.composite
def _extra(draw, populations, integer, delays, recurrent):
    """More projections into `Lif` populations: skips forward with any delay, and loops with a delay of at least 1."""
    made = []
    lifs_at = [i for i, p in enumerate(populations) if isinstance(p.model, Lif)]
    images = [i for i in lifs_at if len(populations[i].shape) == 3]
    for _ in range(draw(st.integers(0, 3)) if lifs_at else 0):
        target = draw(st.sampled_from(lifs_at + images))
        source = draw(st.integers(0, len(populations) - 1 if recurrent else target - 1))
        allowed = delays if source < target else st.integers(1, 3)
        made.append(draw(_projections(populations[source], populations[target], integer, allowed)))
    return made


@st.composite
def stimuli(draw, network: Network, max_samples: int = 3, max_timesteps: int = 8):
    """Spikes for the network's inputs; empty samples and steps without a spike occur, values fit ``value_bits``."""
    samples, timesteps = draw(st.integers(1, max_samples)), draw(st.integers(1, max_timesteps))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    inputs = [network.population(name) for name in network.input_names]
    parts = [_values(rng, p, (samples, timesteps, p.n_neurons), network.is_integer) for p in inputs]
    values = np.concatenate(parts, axis=2)
    rate = rng.choice([0.0, 0.1, 0.4, 1.0], (samples, timesteps, 1)) if draw(st.booleans()) else 0.3
    return Stimulus.from_dense(np.where(rng.random(values.shape) < rate, values, 0))


def _values(rng, population: Population, shape, integer):
    bits = population.model.value_bits
    if bits == 1:
        return np.ones(shape, np.int32)
    if population.model.ternary:
        return rng.choice(np.array([-1, 1], np.int32), shape)
    if integer:
        return rng.integers(-(1 << (bits - 1)), 1 << bits, shape).astype(np.int32)
    return rng.normal(size=shape).astype(np.float32)


@st.composite
def cases(draw, max_samples: int = 3, max_timesteps: int = 8, **network):
    """(network, stimulus); keywords as `networks`."""
    drawn = draw(networks(**network))
    return drawn, draw(stimuli(drawn, max_samples, max_timesteps))
