"""Relative addresses: a route is refused exactly when its way does not fit, with core, offset and limit named."""

import re

import numpy as np
import pytest

from neurosim.arch.topology import Torus
from neurosim.errors import NeurosimError
from neurosim.mapping.map import map_network
from neurosim.snn import Dense, Input, IntCodec, Lif, Network, Population, Projection, Readout
from tests.mapping.strategies import edge, ints


def pair(readout=None):
    rng = np.random.default_rng(0)
    lif = Lif(9, membrane_bits=16)
    populations = [Population("in", (2,), Input()), Population("a", (2,), lif), Population("b", (2,), lif)]
    projections = [
        Projection("in", "a", Dense(ints(rng, -3, 3, 2, 2)), IntCodec(4)),
        Projection("a", "b", Dense(ints(rng, -3, 3, 2, 2)), IntCodec(4)),
    ]
    return Network(populations, projections, readout)


def relative(dx_bits, dy_bits):
    return edge(
        mesh__width=8, mesh__height=8, router__address="relative", router__dx_bits=dx_bits, router__dy_bits=dy_bits
    )


def on(a, b):
    return np.array([-1, -1, a, a, b, b])


# The host is at (0, 0), core = x + 8 y.
@pytest.mark.parametrize(
    ("a", "b", "bits", "message"),
    [
        (1, 4, (3, 1), None),
        (1, 5, (3, 1), "core 1: a packet to core 5 needs dx = 4, but router.dx_bits 3 .* from -4 to 3"),
        (3, 0, (3, 1), None),
        (3, 0, (2, 1), "the host: a packet to core 3 needs dx = 3"),
        (0, 16, (1, 3), None),
        (0, 16, (1, 2), "core 0: a packet to core 16 needs dy = 2, but router.dy_bits 2 .* from -2 to 1 .2 routes"),
        (8, 0, (1, 2), None),
        (24, 0, (1, 3), None),
        (40, 0, (1, 3), "the host: a packet to core 40 needs dy = 5"),
    ],
)
def test_the_limit(a, b, bits, message):
    if message is None:
        assert map_network(pair(), relative(*bits), placement=on(a, b)).routes.endpoint.size == 4
        return
    with pytest.raises(NeurosimError) as caught:
        map_network(pair(), relative(*bits), placement=on(a, b), capacity="report")
    assert re.search(message, str(caught.value)) and "core map" in str(caught.value)


def test_answers_to_the_host_have_addresses_too():
    chip = relative(3, 1)
    network = pair(Readout("b", "count"))
    assert map_network(network, chip, placement=on(0, 3)) is not None
    chip = chip.model_copy(update={"io": chip.io.model_copy(update={"tile": (7, 0)})})
    with pytest.raises(NeurosimError, match=r"core 2: a packet to the host needs dx = 5"):
        map_network(network, chip, placement=on(4, 2))


@pytest.mark.parametrize(("core", "fits"), [(3, True), (4, False), (5, True), (7, True)])
def test_on_a_torus_the_shorter_way_counts(core, fits):
    # 8 columns: 3 and -3 fit 3 bits; half way round is +4, to the east, and does not.
    chip = relative(3, 1)
    chip = chip.model_copy(update={"mesh": Torus(topology="torus", width=8, height=8, cores_per_tile=1)})
    if fits:
        assert map_network(pair(), chip, placement=on(core, core)) is not None
        return
    with pytest.raises(NeurosimError, match=r"the host: a packet to core 4 needs dx = 4"):
        map_network(pair(), chip, placement=on(core, core))


def test_absolute_addresses_reach_everything():
    chip = edge(mesh__width=8, mesh__height=8)
    assert map_network(pair(), chip, placement=on(63, 0)).routes.endpoint.size == 4
