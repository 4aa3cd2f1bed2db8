"""Break-even in closed form: one synapse of the spiking network against one of the ANN, at a chip's own prices.

    E_SNN = T (r (E_acc + b e + E_mem) + E_upd / f)        E_ANN = (1 - g) (E_mac + b e / Q)

a synapse and inference: r the rate, b the weight bits, e a bit read from the chip's weight memory, E_mem an accumulator
read and written, E_upd a neuron update and f the synapses a neuron; g the share skipped, Q the multiply-accumulates a
fetched weight serves. No leakage, no routing, no DRAM, no waste of words: what the simulated contour has beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from neurosim.arch import Chip, LayerChip
from neurosim.arch.technology.arithmetic import unit_energy
from neurosim.energy.chip_prices import chip_prices
from neurosim.snn.network import Network
from neurosim.snn.neuron import Lif

SUM_BITS = 32


@dataclass(frozen=True)
class Synapse:
    """Picojoules of one synapse: ``event`` for each spike, ``step`` for each timestep (its share of an update)."""

    event: float
    step: float
    bit: float

    def break_even(self, timesteps: int, ann_pj: float) -> float:
        """Rate at which T timesteps cost ``ann_pj``; negative where the updates alone cost more."""
        return (ann_pj / timesteps - self.step) / self.event


def snn_synapse(network: Network, chip: Chip | LayerChip, weight_bits: int) -> Synapse:
    """From the chip's prices and the network's mean fan-in. Works for chips whose prices are of single accesses."""
    prices = {name: price.pj for name, price in chip_prices(chip).items()}
    dense = any(p.connectivity.kind == "dense" for p in network.projections)
    bit = prices["synapse_read_word"] / chip.core.synaptic_memory.word_bits
    memory = fsum(prices.get(name, 0.0) for name in ("accumulator_read", "accumulator_write"))
    synapses = sum(network.connections(p) for p in network.projections)
    neurons = [p for p in network.populations if isinstance(p.model, Lif)]
    word = chip.core.membrane_memory.word_bits
    words = sum(
        p.n_neurons * sum(-(-state.width_bits // word) for state in p.model.states) for p in neurons
    ) / sum(p.n_neurons for p in neurons)  # fmt: skip
    update = prices["neuron_access"] + prices["neuron_active"] + memory
    # A layer chip keeps a window's membranes in its lanes.
    if isinstance(chip, Chip):
        update += words * (prices["membrane_read"] + prices["membrane_write"])
    event = prices["accumulate_dense" if dense else "accumulate_conv"] + weight_bits * bit + memory
    return Synapse(event, update * sum(p.n_neurons for p in neurons) / synapses, bit)


def ann_synapse(chip: Chip | LayerChip, weight_bits: int, value_bits: int, bit_pj: float, skipped: float, reuse: float):
    """pJ of one of the ANN's synapses: multiply, add and a register at the chip's node, weights at its bit price."""
    node, volts = chip.technology.node_nm, chip.technology.voltage_v
    units = (("multiplier", (weight_bits, value_bits)), ("adder", (SUM_BITS,)), ("register", (SUM_BITS + value_bits,)))
    mac = fsum(unit_energy(name, widths, node, volts)[0] for name, widths in units)
    return (1 - skipped) * (mac + weight_bits * bit_pj / reuse)
