"""What a network stores wherever it runs: every parameter once, in words of one bit, so that nothing is wasted.

The lines come from the layout and the parameter count that a mapping uses, so a model size and a chip's footprint
differ by copies, padding and tables alone.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from neurosim.mapping.layout import Layout
from neurosim.mapping.limits import membrane_bits
from neurosim.mapping.mapping import MemoryUse
from neurosim.snn.network import Network

PARAMETERS, STATE = "parameters", "state"
_IDEAL = SimpleNamespace(
    name="model size",
    core=SimpleNamespace(
        execution="none",
        synaptic_memory=SimpleNamespace(
            word_bits=1, shared_kernels=True, index_bits=None, layout="by_kind", bank_conflicts=False
        ),
        membrane_memory=SimpleNamespace(accumulator_bits=0),
    ),
)


def model_lines(network: Network) -> tuple[MemoryUse, ...]:
    """Bits of ``parameters`` (weights, indices, codebooks, thresholds, biases) and of ``state``, core -1.

    Weights take their format's bits, a value of a neuron's parameters the width of its membrane (32 for float32).
    """
    layout = Layout(network, _IDEAL)
    lines: list[MemoryUse] = []
    for i, projection in enumerate(network.projections):
        everyone = np.arange(network.population(projection.target).n_neurons, dtype=np.int32)
        bits = layout.contents(i, everyone)
        lines += [MemoryUse(-1, PARAMETERS, content, projection.name, n) for content, n in bits.items() if n]
    for population in network.populations:
        states = {state.name for state in population.model.states}
        everyone = np.arange(population.n_neurons, dtype=np.int32)
        for content, n in membrane_bits(population, everyone, _IDEAL).items():
            lines.append(MemoryUse(-1, STATE if content in states else PARAMETERS, content, population.name, n))
    return tuple(lines)


def model_bits(lines: tuple[MemoryUse, ...], memory: str = PARAMETERS) -> int:
    """All bits of one kind."""
    return sum(line.used_bits for line in lines if line.memory == memory)
