"""Operands of products: what belongs together, what is refused, and the file they are kept in."""

import numpy as np
import pytest

from neurosim.compress.channels import prune_channels
from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, write_arrays
from neurosim.snn import (
    AndPopcount,
    Dense,
    Input,
    IntCodec,
    Lif,
    MaskedSum,
    Network,
    Population,
    Projection,
    Readout,
)
from neurosim.workload.native import load_network, save_network
from tests.engine.attention import attention, lif


def pair(**changes) -> Network:
    """One product, with one thing changed."""
    part = {"heads": 2, "key_heads": 2, "shape": (4, 3), "target": (2, 3, 3), "delay": 0, "shift": 0, "port": "key",
            "bits": 1, "keys": 1, "model": lif(2)} | changes  # fmt: skip
    keys = [
        Projection("b", "map", AndPopcount(part["key_heads"], "key"), delay=part["delay"], weight_shift=part["shift"],
                   port=part["port"])
    ] * part["keys"]  # fmt: skip
    return Network(
        (Population("a", part["shape"], Input()), Population("b", (4, 3), Input(part["bits"])),
         Population("map", part["target"], part["model"])),
        (Projection("a", "map", AndPopcount(part["heads"], "query"), port="query"), *keys), Readout("map"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"heads": 3, "key_heads": 3, "target": (3, 3, 3)}, "divisor of 4 channels"),
        ({"target": (2, 3, 4)}, r"\(heads, tokens, tokens\)"),
        ({"key_heads": 1}, "target shape"),
        ({"delay": 1}, "one timestep"),
        ({"shift": 1}, "give it to the query"),
        ({"port": "in"}, "expected 'key'"),
        ({"bits": 4}, "binary spikes"),
        ({"keys": 0}, "query and key, one of each"),
        ({"keys": 2}, "query and key, one of each"),
    ],
)
def test_operands_that_do_not_go_together_are_refused(changes, text):
    pair()
    with pytest.raises(NeurosimError, match=text):
        pair(**changes)


def test_products_need_integers_and_plain_projections_the_plain_port():
    with pytest.raises(NeurosimError, match="membrane_bits"):
        pair(model=Lif(1.0))
    weights = Dense(np.ones((12, 18), np.int8))
    with pytest.raises(NeurosimError, match="expected 'in'"):
        Network(
            (Population("a", (4, 3), Input()), Population("map", (2, 3, 3), lif(2))),
            (Projection("a", "map", weights, IntCodec(4), port="query"),),
        )
    with pytest.raises(NeurosimError, match="must be equal"):
        MaskedSum(2, "value").check((4, 3), (4, 5), "here")


def test_a_network_with_products_is_written_and_read(tmp_path):
    network = attention(2, 3, (2, 2), extra="identity", map_shift=2)
    path = tmp_path / "net.npz"
    save_network(network, path)
    assert load_network(path).content_hash() == network.content_hash()
    header, arrays = read_arrays(path)
    assert header["format"] == "neurosim-network/3"
    write_arrays(path, {**header, "format": "neurosim-network/2"}, arrays)
    with pytest.raises(NeurosimError, match="'and_popcount', which format 3 brought"):
        load_network(path)


def test_channels_of_operands_are_not_pruned():
    with pytest.raises(NeurosimError, match="heads would differ"):
        prune_channels(attention(2, 3, (2, 2)), 0.5, "layer", None)


def test_the_hash_tells_operands_apart():
    network = attention(2, 3, (2, 2))
    swapped = [
        Projection(p.source, p.target, MaskedSum(2, p.connectivity.operand), port=p.port)
        if isinstance(p.connectivity, MaskedSum)
        else p
        for p in network.projections
    ]
    assert Network(network.populations, tuple(swapped), network.readout).content_hash() == network.content_hash()
    other = attention(1, 6, (2, 2))
    assert other.content_hash() != network.content_hash()
