"""Routes against a readable one: every spike, one packet a destination core, rows for what it feeds there."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.mapping.map import map_network
from neurosim.mapping.reach import stable_order
from neurosim.snn import Network, Readout
from tests.mapping.strategies import edge, one_of_each


def routes_by_hand(network, mapping, host):
    """{(source, destination): {(projection, block): connections}} from the readable connection lists."""
    where = {}
    for b, block in enumerate(mapping.blocks):
        start = network.offsets[network.index[block.population]]
        for neuron in block.neurons:
            where[int(start + neuron)] = b
    expected = {}
    for j, projection in enumerate(network.projections):
        source, target = (network.population(name) for name in (projection.source, projection.target))
        first, into = network.offsets[network.index[source.name]], network.offsets[network.index[target.name]]
        indptr, indices, _ = projection.connectivity.to_csr(source.shape, target.shape)
        for n in range(source.n_neurons):
            for t in indices[indptr[n] : indptr[n + 1]]:
                b = where[int(into + t)]
                rows = expected.setdefault((int(first + n), mapping.blocks[b].core), {})
                rows[j, b] = rows.get((j, b), 0) + 1
    if network.readout is not None and network.readout.kind != "membrane":
        k = network.index[network.readout.population]
        for n in range(network.offsets[k], network.offsets[k + 1]):
            expected[int(n), host] = {}
    return expected


def routes_found(routes):
    found = {}
    source = np.repeat(np.arange(routes.ptr.size - 1), np.diff(routes.ptr))
    for r, (n, end) in enumerate(zip(source.tolist(), routes.endpoint.tolist(), strict=True)):
        rows = slice(routes.row_ptr[r], routes.row_ptr[r + 1])
        keys = zip(routes.row_projection[rows].tolist(), routes.row_block[rows].tolist(), strict=True)
        assert (n, end) not in found
        found[n, end] = dict(zip(keys, routes.row_events[rows].tolist(), strict=True))
    return found


@given(st.integers(0, 20), st.sampled_from(["count", "membrane", None]), st.booleans(), st.data())
@settings(max_examples=25, deadline=None)
def test_routes_are_those_of_the_connections(seed, readout, shared, data):
    network = one_of_each(seed)
    network = Network(network.populations, network.projections, None if readout is None else Readout("o", readout))
    chip = edge(core__neurons=data.draw(st.integers(20, 70)), core__synaptic_memory__shared_kernels=shared)
    placement = None
    if data.draw(st.booleans()):
        # Any core for any neuron, inputs too: several blocks of different populations share a core.
        rng = np.random.default_rng(seed)
        placement = rng.integers(0, chip.n_cores, network.n_neurons)
    mapping = map_network(network, chip, placement=placement, capacity="report")
    assert routes_found(mapping.routes) == routes_by_hand(network, mapping, chip.n_cores)
    for n in range(network.n_neurons):
        assert (np.diff(mapping.routes.endpoint[mapping.routes.ptr[n] : mapping.routes.ptr[n + 1]]) > 0).all()
    placed = mapping.endpoint < chip.n_cores
    assert placed.sum() == sum(b.neurons.size for b in mapping.blocks)


@given(st.lists(st.integers(0, 9)))
def test_counting_order_is_thestable_order(values):
    values = np.array(values, np.int32)
    assert np.array_equal(stable_order(values, 10), np.argsort(values, kind="stable"))
