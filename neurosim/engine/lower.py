"""Chip, network and mapping lowered to the flat arrays that the timing engines run on."""

from __future__ import annotations

import numpy as np

from neurosim.arch import Chip
from neurosim.arch.router import Priority
from neurosim.engine.barrier import barrier_plan, endpoints_of_barrier
from neurosim.engine.plan import RouterPlan, TimingPlan
from neurosim.engine.work import route_busy
from neurosim.mapping.mapping import Mapping
from neurosim.mapping.products import words_a_product
from neurosim.mapping.schedule import round_table
from neurosim.snn.network import Network

# Names of the chip file in the order of RouterPlan's five times; a topology without a way of its own repeats one.
WAYS = {
    "mesh": ("east", "west", "north", "south", "local"),
    "torus": ("east", "west", "north", "south", "local"),
    "tree": ("up", "down", "down", "down", "local"),
    "bus": ("local",) * 5,
}


def router_plan(chip: Chip) -> RouterPlan:
    r, mesh = chip.router, chip.mesh
    directions = WAYS[mesh.topology]
    edge = getattr(mesh, "chips", None)
    return RouterPlan(
        width=mesh.width,
        height=mesh.height,
        cores_per_tile=mesh.cores_per_tile,
        host_tile=chip.io.tile[0] + mesh.width * chip.io.tile[1],
        virtual_channels=r.virtual_channels,
        queue_depth=r.queue_depth_flits,
        flits_per_packet=r.flits_per_packet,
        injection_cycles=r.injection_cycles,
        latency_cycles=tuple(getattr(r.latency_cycles, d) for d in directions),
        interval_cycles=tuple(getattr(r.interval_cycles, d) for d in directions),
        credit_injection_cycles=r.credit_cycles.injection,
        credit_link_cycles=r.credit_cycles.link,
        credit_local_cycles=r.credit_cycles.local,
        priority=None if r.priority is None else _priority(r.priority),
        topology=mesh.topology,
        arity=getattr(mesh, "arity", 0),
        levels=getattr(mesh, "levels", 0),
        chip_width=edge.width if edge else 0,
        chip_height=edge.height if edge else 0,
        off_chip_latency_cycles=edge.latency_cycles if edge else 1,
        off_chip_interval_cycles=edge.interval_cycles if edge else 1,
        multicast=r.delivery == "multicast",
    )


def _priority(priority: Priority) -> tuple[tuple[int, ...], ...]:
    """Directions as numbers; those a way out does not name follow in their own order."""
    sides = WAYS["mesh"]
    named = [[sides.index(side) for side in getattr(priority, out)] for out in sides]
    return tuple((*row, *(d for d in range(5) if d not in row)) for row in named)


def _empty_neurons(chip: Chip, per_core: list[np.ndarray]) -> np.ndarray | None:
    """Quanta of each core's walk over the neurons that hold nothing, (n_cores,) int64; None if it leaves them out."""
    if chip.core.update.scan is None or not chip.core.update.scan.every_neuron:
        return None
    empty = np.array([max(0, chip.core.neurons - held.size) for held in per_core], np.int64)
    return -(-empty // chip.core.update.lanes) * chip.core.access_cycles


def _product_cycles(network: Network, chip: Chip) -> np.ndarray | None:
    """Quanta of the products that the update unit computes, by target population; None on a chip that has no unit."""
    if chip.core.products is None:
        return None
    cycles = np.zeros(len(network.populations), np.int64)
    for projection in network.projections:
        words = words_a_product(network, chip, projection)
        cycles[network.index[projection.target]] += words * chip.core.products.popcount_cycles
    return cycles


def lower_timing(network: Network, chip: Chip, mapping: Mapping, timesteps: int) -> TimingPlan:
    """The plan of a run of ``timesteps`` network timesteps."""
    population = np.repeat(np.arange(len(network.populations), dtype=np.int32), np.diff(network.offsets))
    slots: list[list[np.ndarray]] = [[] for _ in range(chip.n_cores)]
    for block in mapping.blocks:
        slots[block.core].append(block.neurons.astype(np.int64) + network.offsets[network.index[block.population]])
    per_core = [np.concatenate(s) if s else np.zeros(0, np.int64) for s in slots]
    core, update = chip.core, chip.core.update
    busy, conflict = route_busy(network, chip, mapping)
    router, barrier = router_plan(chip), None
    if chip.barrier.kind == "messages":
        takes_part = endpoints_of_barrier(mapping.endpoint, mapping.routes.endpoint, chip.n_cores)
        if update.scan is not None:
            takes_part[:-1] = True  # cores without neurons walk too
        barrier = barrier_plan(chip.barrier, router, chip.n_cores, takes_part)
    return TimingPlan(
        router=router,
        n_cores=chip.n_cores,
        ingress_depth=chip.core.ingress_depth,
        egress_depth=chip.core.egress_depth,
        egress_cycles=chip.core.egress.cycles_per_packet,
        host_cycles=chip.io.input_interval_cycles,
        update_lanes=update.lanes,
        access_cycles=chip.core.access_cycles,
        active_cycles=update.active_cycles,
        spike_cycles=update.spike_cycles,
        touched_only=chip.core.update_policy == "touched",
        population=population,
        endpoint=mapping.endpoint,
        slot_ptr=np.concatenate([[0], np.cumsum([s.size for s in per_core])]).astype(np.int64),
        slot_neuron=np.concatenate(per_core).astype(np.int32),
        updates=np.array([p.model.kind != "input" for p in network.populations]),
        route_ptr=mapping.routes.ptr,
        route_endpoint=mapping.routes.endpoint,
        route_busy=busy,
        round_timestep=round_table(network, mapping.lag, mapping.level, chip.delivery, timesteps),
        barrier_cycles=chip.barrier.cycles_for(mapping.tiles_used),
        barrier=barrier,
        route_conflict=conflict,
        overlap_lookup=core.synapse.overlap_lookup,
        lookup_cycles=core.synapse.axon_lookup_cycles,
        fill_cycles=core.synapse.fill_cycles,
        serial_egress=not core.egress.overlap_update,
        shared_port=core.membrane_memory.shared_port,
        update_before=0 if update.scan is None else update.scan.fixed_cycles,
        update_after=_empty_neurons(chip, per_core),
        product_cycles=_product_cycles(network, chip),
    )
