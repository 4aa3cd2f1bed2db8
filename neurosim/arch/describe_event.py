"""An event chip as a person reads it: controller, ports, operations with their lengths, neurons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neurosim.arch.event import EventChip, Operation

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def event_facts(chip: EventChip) -> Iterable[tuple[str, str]]:
    """Name and value of what the chip is built of."""
    core, event = chip.core, chip.core.event
    yield "execution", f"{core.execution}: one event is served to its end before the next is chosen"
    yield "neurons", f"{core.neurons:,}"
    yield "clock", f"quantum {chip.clock.quantum_ps / 1000:,.4g} ns"
    read, write = event.update.read_cycles, event.update.write_cycles
    yield "update unit", f"{_cycles(read)} of read, {_cycles(write)} of write a neuron or word"
    yield "synaptic word", f"{event.synapses_per_word} synapses"
    order = ", ".join(rule.replace("_", " ") for rule in event.arbiter.order)
    yield "arbiter", f"first of: {order}; at least {_cycles(event.arbiter.idle_cycles)} idle between two operations"
    queue = event.queue
    freed = queue.release.replace("_", " ")
    yield "queue", f"{queue.depth} entries, {_cycles(queue.accept_cycles)} to accept, place free at {freed}"
    yield "when full", queue.when_full.replace("_", " ")
    yield "synchronisers", f"{event.synchroniser_stages} stages on request and acknowledge"
    source = event.output.controller_source.replace("_", " ")
    yield "output port", f"{event.output.entries} spike, then the scan waits; controller output at the {source}"
    neuron = event.neuron
    yield "membrane", f"{neuron.state_min} to {neuron.state_max}, saturating; leak toward 0; reset to 0"
    yield "weights", f"{neuron.weight_min} to {neuron.weight_max}, sign with the {neuron.sign}"
    if neuron.calcium_max is not None:
        yield "calcium", f"0 to {neuron.calcium_max}"
    if event.plasticity is not None:
        yield "plasticity", f"{event.plasticity.kind}, drifts away from {event.plasticity.middle}"
    yield "energy", f"none: {' '.join(chip.without_energy.split())}"


def operations_table(chip: EventChip, table: Table) -> RenderableType:
    """Fill ``table`` (operation, enters, does, cycles) with one row an operation."""
    for name, op in chip.core.event.operations.items():
        notes = [f"neurons 0 to {op.last_neuron}"] * (op.last_neuron is not None)
        notes += [f"an empty operand means {op.empty_operand_means}"] * (op.empty_operand_means is not None)
        notes += ["waits for an empty queue"] * op.background
        over = op.over.replace("_", " ")
        table.add_row(name, op.enters, op.does.replace("_", " "), ", ".join([over, *notes]), _length(chip, op))
    return table


def _length(chip: EventChip, op: Operation) -> str:
    """Cycles without stalls, as a formula in the number N of active neurons."""
    event, n = chip.core.event, chip.core.neurons
    each = event.update.read_cycles + event.update.write_cycles
    words = -(-n // event.synapses_per_word)
    visits = {"one_neuron": each, "row_words": each * words, "all_words": each * words * n}
    rest = op.fixed_cycles + op.closing_cycles
    if op.over == "active_neurons":
        return f"{each} N" + f" + {rest}" * bool(rest)
    return f"{visits[op.over] + rest:,}"


def _cycles(number: int) -> str:
    return f"{number} cycle{'s' * (number != 1)}"
