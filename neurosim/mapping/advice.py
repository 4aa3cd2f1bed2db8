"""What would make a network fit: computed from the network and the chip, never guessed."""

from __future__ import annotations

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.fit import overflow_text
from neurosim.mapping.layout import is_unrolled
from neurosim.mapping.mapping import Overflow
from neurosim.snn.network import Network, Projection


def _stored_weights(network: Network, projection: Projection, chip: Chip) -> int:
    """Weights that must be stored at least once somewhere on the chip."""
    connectivity = projection.connectivity
    if connectivity.event != "synapse":
        return 0
    if is_unrolled(projection, chip):
        return network.connections(projection)
    return int(connectivity.weights.size)


def least_synaptic_bits(network: Network, chip: Chip) -> int:
    """A lower bound of the synaptic memory of the whole chip: every weight once, no padding."""
    total = 0
    for projection in network.projections:
        index = 1 if projection.connectivity.kind == "sparse" or is_unrolled(projection, chip) else 0
        total += int(_stored_weights(network, projection, chip) * (projection.codec.bits + index))
    return total


def too_big_at_a_glance(network: Network, chip: Chip) -> None:
    """Refuse what cannot fit however it is cut, before any work: too many neurons or weight bits for the chip."""
    neurons = sum(p.n_neurons for p in network.populations if p.model.kind != "input")
    limits = (
        ("neurons", "neurons", neurons, chip.core.neurons * chip.n_cores),
        (
            "synaptic_memory",
            "bits",
            least_synaptic_bits(network, chip),
            chip.core.synaptic_memory.capacity_bits * chip.n_cores,
        ),
    )
    for name, unit, needed, limit in limits:
        if needed > limit:
            overflow = Overflow(-1, name, unit, needed, limit)
            raise NeurosimError(
                f"network does not fit chip {chip.name}: {overflow_text(overflow)}; {advise(network, chip, overflow)}, "
                "or run it anyway with --capacity report"
            )


def advise(network: Network, chip: Chip, overflow: Overflow) -> str:
    """The nearest change that would fit, for one broken limit."""
    if overflow.memory in ("axons_in", "axons_out", "routing_table", "axon_table"):
        field = overflow.memory if overflow.unit != "bits" else f"{overflow.memory}.capacity_bits"
        return f"nearest change that fits: core.{field} of {overflow.needed}"
    capacity = chip.core.synaptic_memory.capacity_bits * chip.n_cores
    options = []
    if overflow.memory in ("synaptic_memory", "cores"):
        options += _narrower(network, chip, capacity)
        if not chip.core.synaptic_memory.shared_kernels and any(
            p.connectivity.kind == "conv" for p in network.projections
        ):
            options.append("a chip that shares convolution kernels (core.synaptic_memory.shared_kernels: true)")
    cores = _cores_needed(network, chip, overflow)
    if cores > chip.n_cores:
        options.append(f"a chip of at least {cores} such cores")
    if overflow.unit == "bits" and overflow.core >= 0:
        options.append(f"core.{overflow.memory}.capacity_bits of {overflow.needed}")
    if overflow.memory == "neurons" and overflow.core >= 0:
        options.append(f"core.neurons of {overflow.needed}")
    return "nearest change that fits: " + (" or ".join(options) or "fewer neurons in the network")


def _narrower(network: Network, chip: Chip, capacity: int) -> list[str]:
    """The widest uniform weight width that the chip accepts and that fits its total synaptic memory."""
    stored = sum(_stored_weights(network, p, chip) for p in network.projections)
    indexed = least_synaptic_bits(network, chip) - sum(
        int(_stored_weights(network, p, chip) * p.codec.bits) for p in network.projections
    )
    widest = max((p.codec.bits for p in network.projections if p.connectivity.event == "synapse"), default=1)
    if chip.arithmetic.int_bits is None or not stored:
        return []
    low, high = chip.arithmetic.int_bits
    for bits in range(min(high, int(widest) - 1), low - 1, -1):
        if stored * bits + indexed <= capacity:
            return [f"weights of {bits} bits ({stored * bits + indexed} of {capacity} bits)"]
    return []


def _cores_needed(network: Network, chip: Chip, overflow: Overflow) -> int:
    if overflow.memory == "cores":
        return overflow.needed
    neurons = sum(p.n_neurons for p in network.populations if p.model.kind != "input")
    by_neurons = -(-neurons // chip.core.neurons)
    by_bits = -(-least_synaptic_bits(network, chip) // chip.core.synaptic_memory.capacity_bits)
    return max(by_neurons, by_bits)
