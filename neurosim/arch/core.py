"""The parts of one core: memories, synapse unit, update unit, egress."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.arch.part import Natural, Part, Positive


class SynapticMemory(Part):
    """Weights, indices and codebooks of one core. A fetch yields floor(word / weight width) weights.

    ``ports`` words a bank at a time. ``bank_conflicts`` false: reads spread evenly over the banks; true: they fall
    where their addresses say, interleaved by low address bits. ``layout``: how rows of weights are written
    (neurosim/mapping/storage.py); ``by_kind`` rows with all their weights, and listed entries of sparse connections;
    ``best`` the smallest for each block. A network's projection may ask for another.
    """

    capacity_bits: Positive
    word_bits: Annotated[int, Field(ge=1, le=4096)]
    banks: Annotated[int, Field(ge=1, le=256)] = 1
    ports: Annotated[int, Field(ge=1, le=16)] = 1
    bank_conflicts: bool = False
    read_cycles: Positive
    shared_kernels: bool
    index_bits: Annotated[int, Field(ge=1, le=32)] | None = None
    layout: Literal["by_kind", "dense", "csr", "bitmap", "run_length", "codebook", "best"] = "by_kind"


class MembraneMemory(Part):
    """Neuron state of one core; ``capacity_bits`` null is not limited by a published figure.

    ``bank_conflicts``: the lanes' accumulators fall into banks by their addresses, ``ports`` a bank at a time; false:
    never in each other's way. ``shared_port``: update groups and packets' work take turns at this memory.
    """

    capacity_bits: Positive | None
    word_bits: Annotated[int, Field(ge=1, le=4096)]
    read_cycles: Positive = 1
    write_cycles: Positive = 1
    banks: Annotated[int, Field(ge=1, le=256)] = 1
    ports: Annotated[int, Field(ge=1, le=16)] = 1
    bank_conflicts: bool = False
    shared_port: bool = False
    accumulator_bits: Annotated[int, Field(ge=0, le=64)] = 0


class Table(Part):
    """A look-up memory of one core (axons in, or routes out)."""

    capacity_bits: Positive | None = None
    word_bits: Annotated[int, Field(ge=1, le=4096)]
    read_cycles: Positive = 1


class EventCycles(Part):
    """Quanta for one group of lanes, by the kind of connection."""

    dense: Positive
    sparse: Positive
    conv: Positive


class SynapseUnit(Part):
    """Axon lookup, then fetch and accumulate for one packet at a time.

    ``overlap_lookup``: a packet is looked up while the one before it is worked on. ``fill_cycles``: depth of the
    pipeline, from the end of a packet's work until its last accumulator is written; the next packet does not wait.
    With ``accumulates: in_update`` a packet is only looked up: the update unit reads the weights, in its own time.
    """

    axon_lookup_cycles: Natural
    lanes: Annotated[int, Field(ge=1, le=4096)]
    cycles_per_group: EventCycles
    mac_cycles_per_group: Positive
    pool_cycles_per_group: Positive
    overlap: Literal["pipelined", "serial"] = "pipelined"
    accumulates: Literal["on_arrival", "in_update"] = "on_arrival"
    overlap_lookup: bool = False
    fill_cycles: Natural = 0

    @model_validator(mode="after")
    def _filled(self) -> SynapseUnit:
        if self.fill_cycles and self.overlap == "serial":
            raise ValueError(f"fill_cycles: got {self.fill_cycles}, expected 0 with overlap: serial, which has no fill")
        return self


class Scan(Part):
    """What a walk takes on top if it goes over the axons too, spike or none.

    ``fixed_cycles`` once before the first neuron; ``axon_cycles`` for every axon of the core (``axons_in``) in each
    access to a neuron; with ``every_neuron`` the walk goes on over the neurons that hold nothing.
    """

    fixed_cycles: Natural
    axon_cycles: Natural
    every_neuron: bool


class UpdateUnit(Part):
    """Walks a core's neurons: ``access`` for each, ``active`` and ``spike`` added where they apply."""

    lanes: Annotated[int, Field(ge=1, le=4096)]
    access_cycles: Natural
    active_cycles: Natural
    spike_cycles: Natural
    scan: Scan | None = None


class Egress(Part):
    """Makes packets from spikes. ``overlap_update`` false: an update group waits until what came before it is sent."""

    cycles_per_packet: Positive
    overlap_update: bool = True


class ProductUnit(Part):
    """What multiplies two spike populations (`neurosim.snn.products`); docs/model.md, section 11.

    Operands are bit rows in the membrane memory. ``popcount_cycles``: quanta in which an update lane ANDs two words and
    counts the ones; ``masked_cycles_per_group``: quanta in which the accumulate lanes add one bit each.
    """

    popcount_cycles: Positive
    masked_cycles_per_group: Positive


class Core(Part):
    """One core; the chip has ``mesh.n_tiles * mesh.cores_per_tile`` of them."""

    execution: Literal["barrier"]
    update_policy: Literal["all", "touched"] = "all"
    neurons: Positive
    axons_in: Positive | None = None
    axons_out: Positive | None = None
    ingress_depth: Annotated[int, Field(ge=1, le=65536)]
    egress_depth: Annotated[int, Field(ge=1, le=65536)]
    synaptic_memory: SynapticMemory
    membrane_memory: MembraneMemory
    axon_table: Table
    routing_table: Table
    synapse: SynapseUnit
    update: UpdateUnit
    egress: Egress
    products: ProductUnit | None = None

    @model_validator(mode="after")
    def _axons(self) -> Core:
        if self.update.scan is not None and self.axons_in is None:
            raise ValueError("axons_in: expected a number where update.scan counts them")
        return self

    @property
    def access_cycles(self) -> int:
        """Quanta of the update unit's access to one neuron, its walk over the axons included."""
        scan = self.update.scan
        return self.update.access_cycles + (0 if scan is None else scan.axon_cycles * self.axons_in)
