"""Products of two populations in the published rules: one attention layer each, at the smaller rate."""

import pytest

from neurosim.energy.conventions.activity import NotGiven
from neurosim.energy.conventions.executed import activity_of_run, layers_of_run
from neurosim.energy.conventions.proxy import sdt, syops
from neurosim.engine.function import run_function
from tests.engine.attention import attention, stimulus


def test_a_product_is_an_attention_layer_at_the_smaller_rate():
    network = attention(2, 6, (3, 3), seed=5)
    trace = run_function(network, stimulus(network, 2, 3, 0.4))
    counts = trace.counts_by_neuron()
    activity = activity_of_run("net", layers_of_run(network, counts, 2, 3))
    layers = {layer.name: layer for layer in activity.layers}
    assert "key->map" not in layers and "value->mixed" not in layers

    def rate(name):
        i = network.index[name]
        here = counts[network.offsets[i] : network.offsets[i + 1]]
        return here.sum() / here.size / 6

    macs = 2 * 9 * 9 * 6
    for name, ends in (("query->map", ("query", "key")), ("map->mixed", ("map", "value"))):
        layer = layers[name]
        assert (layer.kind, layer.macs) == ("attention", macs)
        assert layer.rate_in == pytest.approx(min(rate(end) for end in ends))
    dense = sum(x.macs * 3 * x.rate_in for x in activity.layers if x.kind == "dense")
    products = macs * 3 * (min(rate("query"), rate("key")) + min(rate("map"), rate("value")))
    assert sum(term.count for term in syops(activity)) == pytest.approx(dense + products)
    with pytest.raises(NotGiven, match="query->map"):
        sdt(activity)
