"""The registry of actions: everything that can be counted and priced.

It is open: a component that does something new registers its action here, a chip prices it, and the engine counts
it. An action that a chip does not price at all cannot be run on that chip.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """One countable hardware event of one component.

    ``only_for`` names the chip feature (`Chip.features`) without which it cannot happen; "" is every chip. A chip
    must price the actions of the features it has.
    """

    name: str
    component: str
    meaning: str
    only_for: str = ""


_ACTIONS = (
    Action("axon_read", "axon_table", "one packet's lookup in the axon table of the core it reached"),
    Action("synapse_read_word", "synaptic_memory", "one physical word of weights (and indices) read"),
    Action("accumulate_dense", "accumulate", "one synaptic event of a dense projection: one add of one weight"),
    Action("accumulate_sparse", "accumulate", "one synaptic event of a sparse or unrolled projection"),
    Action("accumulate_conv", "accumulate", "one synaptic event of a convolution with shared kernels"),
    Action("accumulate_float", "accumulate", "one synaptic event in float32"),
    Action("multiply_accumulate", "accumulate", "one graded spike times one weight, integers"),
    Action("multiply_accumulate_float", "accumulate", "one graded spike times one weight, float32"),
    Action("weight_sign", "accumulate", "a weight negated or not by the sign of a ternary spike", "ternary_spikes"),
    Action("pool_accumulate", "accumulate", "one contribution of a pooling, copy or residual connection"),
    Action("operand_write", "membrane_memory", "one bit of an operand row written, for one spike", "products"),
    Action("operand_read", "membrane_memory", "one word of an operand row read", "products"),
    Action("and_popcount", "product", "two operand words ANDed and their ones counted", "products"),
    Action("masked_accumulate", "product", "one bit of an operand row added to one accumulator", "products"),
    Action("accumulator_read", "membrane_memory", "one read of a neuron's input accumulator"),
    Action("accumulator_write", "membrane_memory", "one write of a neuron's input accumulator"),
    Action("membrane_read", "membrane_memory", "one word of neuron state (and own parameters) read for an update"),
    Action("membrane_write", "membrane_memory", "one word of neuron state written by an update"),
    Action("neuron_access", "neuron_update", "one neuron visited by the update unit, whatever it then does"),
    Action("neuron_access_float", "neuron_update", "the same in float32 arithmetic"),
    Action("neuron_active", "neuron_update", "added when the neuron has input, a membrane off rest, or a bias"),
    Action("neuron_inactive", "neuron_update", "added when it has none of them"),
    Action("neuron_spike", "neuron_update", "added when the neuron spikes"),
    Action("routing_read", "routing_table", "one routing table entry read for one packet"),
    Action("axon_out", "egress", "one packet made and sent by a core"),
    Action("inject", "router", "one flit from a core into its router"),
    Action("host_inject", "io", "one input packet from the host into the mesh"),
    Action("hop_east", "router", "one flit over a link to the east", "grid"),
    Action("hop_west", "router", "one flit over a link to the west", "grid"),
    Action("hop_north", "router", "one flit over a link to the north", "grid"),
    Action("hop_south", "router", "one flit over a link to the south", "grid"),
    Action("hop_up", "router", "one flit over a link towards the root", "tree"),
    Action("hop_down", "router", "one flit over a link towards the leaves", "tree"),
    Action("hop_off_chip", "router", "one flit over a link between two chips", "off_chip"),
    Action("router_lookup", "router", "one look-up in a router's key table", "key_table"),
    Action("hop_local", "router", "one flit from a router to a core of its tile or to the host"),
    Action("router_flit", "router", "one flit through one router: buffer, arbiter and crossbar"),
    Action("encode_add", "encoder", "one addition or subtraction of the encoder in front of the port", "front_end"),
    Action("encode_compare", "encoder", "one comparison with a threshold or a limit", "front_end"),
    Action("encode_shift", "encoder", "one shift of a threshold or a sum", "front_end"),
    Action("encode_read", "encoder", "one number of a channel's state read", "front_end"),
    Action("encode_write", "encoder", "one number of a channel's state written", "front_end"),
    Action("barrier", "barrier", "one barrier over all cores in use"),
    Action("barrier_message_hop", "barrier", "one barrier message over a link or out of a router", "barrier_messages"),
    Action("readout_read", "io", "one membrane read by the host at the end of a sample"),
    Action(
        "weight_buffer_write", "weight_buffer", "one word of a weight tile written on its way to the array", "layer"
    ),
    Action("weight_buffer_read", "weight_buffer", "one word of weights read for the rows of the array", "layer"),
    Action("spike_buffer_write", "spike_buffer", "one word of spikes written, by the host or by an update", "layer"),
    Action("spike_buffer_read", "spike_buffer", "one word of spikes read for the columns of the array", "layer"),
    Action("partial_sum_write", "partial_sum_buffer", "one word of sums written at the end of a pass", "layer"),
    Action("partial_sum_read", "partial_sum_buffer", "one word of sums read by the update", "layer"),
    Action("array_slot", "array", "one row of the spike matrix brought to all processing elements", "layer"),
    Action("host_word", "io", "one word of spikes between host and spike buffer", "layer"),
    Action("codeword_add", "accumulate", "one spike added to the partial sum of one codeword", "reuse"),
    Action("partial_map_add", "accumulate", "one codeword's partial sum selected and added to one neuron's", "reuse"),
    Action("partial_map_write", "partial_map_buffer", "one word of partial sums of codewords written", "reuse"),
    Action("partial_map_read", "partial_map_buffer", "one word of partial sums brought to the array's rows", "reuse"),
    Action("history_fold", "accumulate", "one timestep's sum of one neuron shifted and added to later ones", "history"),
)

# Of the actions that every barrier chip has, those that a layer chip has too: it has no packets and no barrier.
_LAYER_TOO = frozenset({
    "synapse_read_word", "accumulate_dense", "accumulate_sparse", "accumulate_conv", "accumulate_float",
    "multiply_accumulate", "multiply_accumulate_float", "pool_accumulate", "membrane_read", "membrane_write",
    "neuron_access", "neuron_access_float", "neuron_active", "neuron_inactive", "neuron_spike", "readout_read",
})  # fmt: skip

ACTIONS: dict[str, Action] = {action.name: action for action in _ACTIONS}


def actions_of(features: frozenset[str]) -> list[str]:
    """Names of the actions that a chip with these features can do, in the registry's order."""
    return [action.name for action in ACTIONS.values() if action.only_for == "" or action.only_for in features]


def layer_actions(features: frozenset[str] = frozenset()) -> list[str]:
    """Names of the actions of a chip with ``core.execution: layer`` and these features, in the registry's order."""
    return [a.name for a in ACTIONS.values() if a.only_for in {"layer", *features} or a.name in _LAYER_TOO]
