"""Counts of every action of a layer run. Each is one line of arithmetic on what an engine or the trace counted."""

from __future__ import annotations

import numpy as np

from neurosim.engine.activity import Activity, Rows, accumulate_action
from neurosim.engine.layer_plan import LayerPlan, LayerResult
from neurosim.mapping.layer_tiles import cut_by_channel
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace

CORE, HOST = "core 0", "host"


def active_by_neuron(trace: SpikeTrace) -> np.ndarray:
    """Timesteps of all samples in which each neuron was active, (n_neurons,) int64."""
    total = np.zeros(trace.n_neurons, np.int64)
    # In pieces, because unpacked bits are eight times as many bytes.
    for first in range(0, trace.active.shape[0], 256):
        bits = np.unpackbits(trace.active[first : first + 256], axis=1, count=trace.n_neurons, bitorder="little")
        total += bits.sum(axis=0, dtype=np.int64)
    return total


def count_layer_activity(network: Network, plan: LayerPlan, result: LayerResult, trace: SpikeTrace) -> Activity:
    """The full table of counts of a run; ``plan`` and ``result`` come from the same network and trace."""
    rows = Rows()
    for i, p in enumerate(network.projections):
        # Connections of a flat tile are found one by one, like those of a sparse projection.
        listed = p.connectivity.kind == "conv" and not cut_by_channel(network, network.population(p.target))
        for action, column in (
            ("synapse_read_word", "fetched"), ("weight_buffer_write", "filled"), ("weight_buffer_read", "weight_reads"),
            ("spike_buffer_read", "spike_reads"), ("array_slot", "slots"),
            (accumulate_action(network, p, listed), "events"), ("codeword_add", "built"),
            ("partial_map_add", "combined"), ("partial_map_write", "map_writes"), ("partial_map_read", "map_reads"),
        ):  # fmt: skip
            # Where codewords are reused, a synaptic event is no addition of its own.
            if column != "events" or not plan.codewords[i]:
                rows.add(action, CORE, p.name, result.projection(column)[i])
        if network.is_ternary(p.source) and p.connectivity.event == "synapse":
            rows.add("weight_sign", CORE, p.name, result.projection("events")[i])
    suffix = "" if network.is_integer else "_float"
    active, spikes = active_by_neuron(trace), trace.counts_by_neuron()
    for k, position in enumerate(plan.layer_population):
        part = network.populations[position].name
        for action, column in (
            ("partial_sum_write", "sum_writes"), ("partial_sum_read", "sum_reads"), ("membrane_read", "state_reads"),
            ("membrane_write", "state_writes"), (f"neuron_access{suffix}", "updates"),
            ("spike_buffer_write", "spike_writes"), ("history_fold", "folds"),
        ):  # fmt: skip
            rows.add(action, CORE, part, result.layer(column)[k])
        here = slice(network.offsets[position], network.offsets[position + 1])
        rows.add("neuron_active", CORE, part, active[here].sum())
        rows.add("neuron_inactive", CORE, part, result.layer("updates")[k] - active[here].sum())
        rows.add("neuron_spike", CORE, part, spikes[here].sum())
    for population, (written, read) in zip(network.populations, result.host_words, strict=True):
        rows.add("host_word", HOST, population.name, written + read)
        rows.add("spike_buffer_write", CORE, population.name, written)
        rows.add("spike_buffer_read", CORE, population.name, read)
    if network.readout is not None and network.readout.kind == "membrane":
        part = network.readout.population
        rows.add("readout_read", HOST, part, trace.n_samples * network.population(part).n_neurons)
    return rows.table()
