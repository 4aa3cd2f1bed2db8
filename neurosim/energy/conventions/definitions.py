"""What each count of a result means, in one sentence. A count without its definition cannot be compared."""

from __future__ import annotations

NEUROBENCH: dict[str, str] = {
    "ParameterCount": "weights and biases stored: every weight of a dense layer or kernel, zeros too; every entry of a "
    "sparse projection; one bias a neuron, or one a channel behind a convolution. Thresholds and leaks are none",
    "Footprint": "bytes of those parameters at their stored width, and of the state of one sample (membranes, delays "
    "of a reset, refractory counters). NeuroBench adds up a framework's tensors instead, for the batch it last ran",
    "ConnectionSparsity": "zero weights / weights over dense layers and kernels, biases left out; a pair that a sparse "
    "projection does not store is a zero weight",
    "ActivationSparsity": "1 - spikes / (neurons x timesteps x samples) over all spiking populations; inputs, pooling "
    "and membranes without a threshold left out",
    "SynapticOperations": "a sample, not a timestep. Effective: inputs other than zero x the weights other than zero "
    "they reach, padding and biases left out; MACs where the inputs of a layer call (one timestep of one batch) hold "
    "a value other than -1, 0 and 1, else ACs. Dense: the same with every input and weight taken as 1",
    "MembraneUpdates": "a sample: every neuron in the first timestep, then neuron-steps whose stored membrane changed",
    "ClassificationAccuracy": "share of samples whose prediction is the label",
}
"""As NeuroBench's harness (2.3.0) computes them, said for a network of populations and projections."""

HARDWARE: dict[str, str] = {
    "spikes": "spikes of each population, inputs too; a graded spike is one",
    "synaptic_events.effective": "spikes x connections, zero weights included, padding never",
    "synaptic_events.dense": "connections x timesteps x samples",
    "synaptic_events.mac": "effective ones whose source sends values wider than a bit, whatever the values are",
    "neuron_access": "neurons visited by the update units, whether or not their membrane changed",
    "packets.sent": "spikes x destination cores",
    "packets.delivered": "packets taken out of the network at their core",
    "packets.drops": "packets sent and never delivered",
    "packets.injected": "packets that entered the network; fewer than sent where routers copy",
    "packets.flit_hops": "flits x links crossed",
}
"""What a chip did over all samples, in neurosim's own words; docs/model.md says when each happens."""
