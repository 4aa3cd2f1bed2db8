"""Arithmetic the chip does not have is refused, naming where, what was asked, what is accepted and what to do."""

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.mapping.support import check_support
from neurosim.snn import (
    BinaryCodec,
    CodebookCodec,
    Dense,
    FloatCodec,
    Input,
    IntCodec,
    Leak,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Relay,
    TernaryCodec,
)
from tests.mapping.strategies import changed, edge


def network(lif=None, codec=None, delay=0, value_bits=1, weights=None):
    weights = np.ones((3, 2), np.int8) if weights is None else weights
    lif = lif or Lif(1, membrane_bits=8)
    projection = Projection("in", "a", Dense(weights), codec or IntCodec(4), delay)
    return Network([Population("in", (3,), Input(value_bits)), Population("a", (2,), lif)], [projection])


FLOATS = {"weights": np.ones((3, 2), np.float32), "lif": Lif(1.0), "codec": FloatCodec()}
SHIFT = Leak("shift", shift=2)


@pytest.mark.parametrize(
    ("fields", "limit", "value", "message"),
    [
        (
            {},
            "int_bits",
            (5, 8),
            r"projection in->a.codec: int of 4 bits .*accepts int of 5 to 8 bits, odd int, .*quantise",
        ),
        ({}, "int_bits", None, r"in->a.codec: int of 4 bits .*accepts ternary, binary"),
        ({"codec": IntCodec(4, "odd")}, "odd_int", False, r"int of 4 bits on the odd grid"),
        ({"codec": IntCodec(4, "odd")}, "int_bits", (1, 3), r"int of 4 bits on the odd grid .*int of 1 to 3 bits"),
        ({"codec": TernaryCodec()}, "ternary", False, r"codec: ternary of 2 bits"),
        ({"codec": BinaryCodec()}, "binary", False, r"codec: binary of 1 bits"),
        ({"codec": CodebookCodec(((1, 1), (1, -1)))}, "codebook", False, r"codec: codebook of 0.5 bits"),
        (FLOATS, "float32", False, r"float32 .*is not supported"),
        ({"delay": 3}, "delay_max", 2, r"in->a.delay: got 3 timesteps, .*at most 2; shorten"),
        ({"value_bits": 4}, "spike_payload_bits", 3, r"in->a: spikes of in carry 4 bits, .*carries 3"),
        ({}, "membrane_bits_max", 7, r"population a.membrane_bits: got 8, .*at most 7; use a narrower"),
        ({"lif": Lif(1, SHIFT, membrane_bits=8)}, "leaks", ("none",), r"a.leak: shift .*accepts none"),
        ({"lif": Lif(1, reset="hard", membrane_bits=8)}, "resets", ("subtract",), r"a.reset: hard .*accepts subtract"),
        ({"lif": Lif(1, compare=">", membrane_bits=8)}, "compares", (">=",), r"a.compare: > .*accepts >="),
        ({"lif": Lif(1, membrane_bits=8)}, "overflows", ("wrap",), r"a.overflow: saturate .*accepts wrap"),
        ({"lif": Lif(1, SHIFT, True, membrane_bits=8)}, "decay_input", False, r"a.decay_input: True"),
        ({"lif": Lif(1, reset_delay=True, membrane_bits=8)}, "reset_delay", False, r"a.reset_delay: True"),
        ({"lif": Lif(1, refractory=2, membrane_bits=8)}, "refractory", False, r"a.refractory: True"),
        (FLOATS | {"lif": Lif(1.0, current_keep=0.5)}, "synaptic_current", False, r"a.current_keep: True"),
        (FLOATS | {"lif": Lif(1.0, v_floor=0.0)}, "membrane_floor", False, r"a.v_floor: True"),
        (FLOATS | {"lif": Lif(1.0, max_spikes=2)}, "multi_spike", False, r"a.max_spikes: True"),
        ({"lif": Lif(1, ternary=True, membrane_bits=8)}, "ternary_spikes", False, r"a.ternary: True .*edge-28nm"),
    ],
)
def test_one_field_at_a_time(fields, limit, value, message):
    asked = network(**fields)
    check_support(asked, edge())
    with pytest.raises(NeurosimError, match=message):
        check_support(asked, changed(edge(), f"arithmetic.{limit}", value))


def test_graded_inputs_pass_the_host_port_unless_they_sit_on_cores():
    asked = network(value_bits=6)
    narrow = edge(io__payload_bits=5)
    check_support(asked, edge(io__payload_bits=6))
    with pytest.raises(
        NeurosimError, match=r"population in: spikes of in carry 6 bits, .*carries 5 \(io\.payload_bits"
    ):
        check_support(asked, narrow)
    check_support(asked, narrow, on_cores={"in"})
    check_support(network(), edge(io__payload_bits=0))


@pytest.mark.parametrize(("mode", "refused"), [("average", True), ("sum", False), ("max", False)])
def test_average_pooling_needs_fractions(mode, refused):
    relay = Relay(graded=mode != "max", value_bits=1 if mode == "max" else 3)
    populations = [Population("in", (2, 4, 4), Input()), Population("p", (2, 2, 2), relay)]
    asked = Network(populations, [Projection("in", "p", Pool2d(mode, 2))])
    check_support(asked, edge())
    chip = changed(edge(), "arithmetic.float32", False)
    if refused:
        with pytest.raises(NeurosimError, match=r"in->p\.mode: average pooling"):
            check_support(asked, chip)
    else:
        check_support(asked, chip)
