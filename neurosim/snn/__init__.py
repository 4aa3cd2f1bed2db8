"""The network: populations, projections, neuron models, weight codecs, spikes. Knows no hardware."""

from neurosim.snn.codecs import BinaryCodec, CodebookCodec, Codec, FloatCodec, IntCodec, TernaryCodec
from neurosim.snn.connectivity import Connectivity, Conv2d, Dense, Flatten, Identity, Pool2d, Sparse
from neurosim.snn.fold import FoldedScale, fold_scale
from neurosim.snn.network import Network, Population, Projection, Readout
from neurosim.snn.neuron import Input, Leak, Lif, NeuronModel, Relay, State
from neurosim.snn.notes import Coding
from neurosim.snn.products import AndPopcount, MaskedSum
from neurosim.snn.trace import SpikeTrace, Stimulus

__all__ = [
    "AndPopcount",
    "BinaryCodec",
    "CodebookCodec",
    "Codec",
    "Coding",
    "Connectivity",
    "Conv2d",
    "Dense",
    "Flatten",
    "FloatCodec",
    "FoldedScale",
    "Identity",
    "Input",
    "IntCodec",
    "Leak",
    "Lif",
    "MaskedSum",
    "Network",
    "NeuronModel",
    "Pool2d",
    "Population",
    "Projection",
    "Readout",
    "Relay",
    "Sparse",
    "SpikeTrace",
    "State",
    "Stimulus",
    "TernaryCodec",
    "fold_scale",
]
