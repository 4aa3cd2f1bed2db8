"""What every published convention looks at: layers with their shapes, firing rates and timesteps, of one inference.

It comes from a table of layers with rates (`neurosim.energy.conventions.layer_table`) or from a network that was run
(`neurosim.energy.conventions.executed`). A quantity that neither knows is None, and a convention that needs it says
`NotGiven` instead of guessing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from neurosim.errors import NeurosimError

KINDS = ("conv", "dense", "sparse", "attention_ktv", "attention_qkv", "attention", "pool")


class NotGiven(NeurosimError):
    """A convention that cannot be given for an activity; the text is the reason."""


@dataclass(frozen=True)
class LayerActivity:
    """One layer of one inference. Rates are mean values a neuron and timestep (spikes, for binary neurons).

    ``macs``: multiply-accumulates of one dense timestep, those on padding included (kernel x outputs x channels).
    ``connections``: those that exist. ``events``: spikes x connections of the inference; ``events_nonzero``: those over
    weights other than zero. ``analog``: the input is not 0/1. ``levels``: binary spikes an integer activation unfolds
    to in a timestep. ``dense_ops``: operations of the whole inference as a table states them, biases included.
    """

    name: str
    kind: str
    cin: int
    cout: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    groups: int = 1
    h_out: int = 1
    w_out: int = 1
    timesteps: int = 1
    levels: int = 1
    macs: int = 0
    weights: int = 0
    neurons_in: int = 0
    neurons_out: int = 0
    first: bool = False
    analog: bool = False
    live: bool = True
    bias: bool = False
    rate_in: float | None = None
    rate_out: float | None = None
    rate_k: float | None = None
    rate_v: float | None = None
    connections: int | None = None
    events: float | None = None
    events_nonzero: float | None = None
    weight_bits: float | None = None
    input_bits: int | None = None
    leaky: bool | None = None
    updates: bool = True
    dense_ops: int | None = None

    @property
    def taps(self) -> int:
        return self.kernel[0] * self.kernel[1]

    @property
    def outputs(self) -> int:
        """Values of the output of one timestep."""
        return self.h_out * self.w_out * self.cout

    @property
    def windows(self) -> int:
        """Output pixels that a convolution's input pixel reaches at most: ceil(k / s) squared."""
        return ceil(self.kernel[0] / self.stride[0]) * ceil(self.kernel[1] / self.stride[1])

    def rate(self) -> float:
        """Firing rate of the input. Raises NotGiven where the table leaves it blank."""
        if self.rate_in is None:
            raise NotGiven(f"layer {self.name}: no firing rate of its input is known")
        return self.rate_in

    def spikes_in(self) -> float:
        """Spikes (values) that enter the layer over the inference."""
        return self.rate() * self.neurons_in * self.timesteps

    def spikes_out(self) -> float:
        """Spikes that leave the layer over the inference. Raises NotGiven."""
        if self.rate_out is None:
            raise NotGiven(f"layer {self.name}: no firing rate of its output is known")
        return self.rate_out * self.neurons_out * self.timesteps

    def operations(self) -> float:
        """Dense operations of the inference: the table's own figure, or macs x timesteps and a bias an output."""
        if self.dense_ops is not None:
            return self.dense_ops
        return (self.macs + (self.outputs if self.bias else 0)) * self.timesteps

    def sops(self) -> float:
        """Synaptic operations by the papers' rule: rate x timesteps x dense multiply-accumulates."""
        return self.rate() * self.timesteps * self.macs


@dataclass(frozen=True)
class NetworkActivity:
    """Layers in order, and what the source says about them."""

    name: str
    layers: tuple[LayerActivity, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def weighted(self) -> tuple[LayerActivity, ...]:
        """Layers that multiply or accumulate, pruned ones left out."""
        return tuple(layer for layer in self.layers if layer.kind != "pool" and layer.live)

    @property
    def timesteps(self) -> int:
        return max(layer.timesteps for layer in self.layers)

    def without_attention(self, why: str) -> tuple[LayerActivity, ...]:
        """`weighted`, for a convention that has no rule for attention. Raises NotGiven naming the first such row."""
        for layer in self.weighted:
            if layer.kind.startswith("attention"):
                raise NotGiven(f"layer {layer.name}: {why}")
        return self.weighted
