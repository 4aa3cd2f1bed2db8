"""Random timing plans and traces, drawn from one integer seed and made as odd as the plan allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.arch.schema import Barrier
from neurosim.engine.barrier import barrier_plan, endpoints_of_barrier
from neurosim.engine.plan import IDLE, NOT_IN_ROUND, BarrierPlan, RouterPlan, TimingPlan
from neurosim.snn.trace import SpikeTrace


def random_router(rng: np.random.Generator) -> RouterPlan:
    width, height = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    topology = str(rng.choice(["mesh", "mesh", "torus", "tree", "bus"]))
    arity, levels = (int(rng.integers(2, 4)), int(rng.integers(0, 3))) if topology == "tree" else (0, 0)
    if topology in ("tree", "bus"):
        width, height = max(1, arity**levels), 1
    several = topology in ("mesh", "torus") and rng.random() < 0.2
    vcs = int(rng.choice([1, 1, 2, 3, 4]))
    multicast = bool(rng.random() < 0.4)
    fine = rng.random() < 0.3  # a fine quantum: long, uneven latencies
    high = 70 if fine else 6

    def five(top: int) -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(1, top + 1, 5))

    return RouterPlan(
        width=width,
        height=height,
        cores_per_tile=int(rng.integers(1, 5)),
        host_tile=int(rng.integers(width * height)),
        virtual_channels=vcs + vcs % 2 if topology == "torus" else vcs,
        queue_depth=int(rng.integers(1, 6)),
        flits_per_packet=1 if multicast else int(rng.choice([1, 1, 2, 3])),
        injection_cycles=int(rng.integers(1, high + 1)),
        latency_cycles=five(high),
        interval_cycles=five(int(rng.choice([1, 3, 40 if fine else 4]))),
        credit_injection_cycles=int(rng.integers(1, high + 1)),
        credit_link_cycles=int(rng.integers(1, high + 1)),
        credit_local_cycles=int(rng.integers(1, high + 1)),
        topology=topology,
        arity=arity,
        levels=levels,
        chip_width=int(several) * int(rng.integers(1, width + 1)),
        chip_height=int(several) * int(rng.integers(1, height + 1)),
        off_chip_latency_cycles=int(rng.integers(1, 2 * high)),
        off_chip_interval_cycles=int(rng.integers(1, 2 * high)),
        multicast=multicast,
        priority=random_priority(rng, topology),
    )


def random_priority(rng: np.random.Generator, topology: str) -> tuple[tuple[int, ...], ...] | None:
    if topology not in ("mesh", "torus") or rng.random() < 0.6:
        return None
    return tuple(tuple(rng.permutation(5).tolist()) for _ in range(5))


def random_routes(rng: np.random.Generator, n_neurons: int, n_cores: int) -> tuple[np.ndarray, np.ndarray]:
    """Per neuron none, one or several endpoints: any core, its own too, and the host."""
    few = rng.random() < 0.5
    choices = [0, 1, 1, 2] if few else [0, 1, 2, 4]
    hot = int(rng.integers(n_cores + 1)) if rng.random() < 0.3 else None
    destinations = []
    for _ in range(n_neurons):
        n = min(int(rng.choice(choices)), n_cores + 1)
        ends = rng.choice(n_cores + 1, n, replace=False)
        destinations.append(np.full(min(n, 1), hot) if hot is not None and rng.random() < 0.7 else ends)
    ptr = np.concatenate([[0], np.cumsum([d.size for d in destinations])]).astype(np.int64)
    return ptr, np.concatenate([*destinations, []]).astype(np.int32)


def random_rounds(rng: np.random.Generator, n_rounds: int, n_populations: int, timesteps: int) -> np.ndarray:
    table = rng.integers(0, timesteps, (n_rounds, n_populations))
    fate = rng.random(table.shape)
    table[fate < 0.3] = NOT_IN_ROUND
    table[(fate >= 0.3) & (fate < 0.45)] = IDLE
    return table.astype(np.int32)


def random_sides(rng: np.random.Generator, plan: TimingPlan) -> dict:
    """What the units do side by side: half of the plans as they are by default, the others with any mixture."""
    if rng.random() < 0.5:
        return {}
    overlap, in_turn, shared = (bool(rng.random() < 0.5) for _ in range(3))
    return {
        "route_conflict": rng.integers(0, plan.route_busy + 1),
        "overlap_lookup": overlap,
        "lookup_cycles": int(rng.integers(0, 9)),
        "fill_cycles": int(rng.choice([0, 3, 90])),
        "serial_egress": in_turn,
        "shared_port": shared,
    }


def random_barrier(rng: np.random.Generator, plan: TimingPlan) -> BarrierPlan:
    """Messages to the host or a tile, from all endpoints with work and some without."""
    takes_part = endpoints_of_barrier(plan.endpoint, plan.route_endpoint, plan.n_cores)
    takes_part[:-1] |= plan.update_before > 0 or plan.update_after is not None
    takes_part |= rng.random(takes_part.size) < rng.choice([0.0, 0.5])
    tile = int(rng.integers(plan.router.n_tiles))
    fields = {
        "kind": "messages",
        "root": "host" if rng.random() < 0.5 else (tile % plan.router.width, tile // plan.router.width),
        "combine": bool(rng.random() < 0.5),
        "combine_cycles": int(rng.integers(0, 4)),
        "root_cycles": int(rng.integers(0, 4)),
    }
    return barrier_plan(Barrier(**fields), plan.router, plan.n_cores, takes_part)


def random_case(seed: int) -> tuple[TimingPlan, SpikeTrace]:
    rng = np.random.default_rng(seed)
    router = random_router(rng)
    most = router.width * router.height * router.cores_per_tile
    n_cores = int(rng.integers(max(1, most - 3), most + 1))
    n_populations, timesteps = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    n_neurons = int(rng.integers(1, 60 if rng.random() < 0.9 else 400))
    population = np.sort(rng.integers(0, n_populations, n_neurons)).astype(np.int32)
    updates = rng.random(n_populations) < 0.75
    endpoint = rng.integers(0, n_cores, n_neurons).astype(np.int32)
    host = ~updates & (rng.random(n_populations) < 0.6)
    endpoint[host[population]] = n_cores
    walk = rng.permutation(n_neurons)
    walk = walk[endpoint[walk] < n_cores]
    walk = walk[np.argsort(endpoint[walk], kind="stable")]
    route_ptr, route_endpoint = random_routes(rng, n_neurons, n_cores)
    slow = rng.random() < 0.3
    plan = TimingPlan(
        router=router,
        n_cores=n_cores,
        ingress_depth=int(rng.integers(1, 5)),
        egress_depth=int(rng.integers(1, 6)),
        egress_cycles=int(rng.integers(0, 5)),
        host_cycles=int(rng.integers(0, 4)),
        update_lanes=int(rng.integers(1, 6)),
        access_cycles=int(rng.integers(0, 3)),
        active_cycles=int(rng.integers(0, 4)),
        spike_cycles=int(rng.integers(0, 300 if slow else 4)),
        touched_only=bool(rng.random() < 0.4),
        population=population,
        endpoint=endpoint,
        slot_ptr=np.searchsorted(endpoint[walk], np.arange(n_cores + 1)).astype(np.int64),
        slot_neuron=walk.astype(np.int32),
        updates=updates,
        route_ptr=route_ptr,
        route_endpoint=route_endpoint,
        route_busy=rng.integers(1, 2000 if slow else 12, route_endpoint.size).astype(np.int64),
        round_timestep=random_rounds(rng, int(rng.integers(1, 5)), n_populations, timesteps),
        barrier_cycles=int(rng.integers(0, 20)),
        update_before=int(rng.choice([0, 0, 3])),
        update_after=rng.integers(0, 9, n_cores) if rng.random() < 0.3 else None,
    )
    plan = replace(plan, **random_sides(rng, plan))
    if rng.random() < 0.3:
        plan = replace(plan, product_cycles=rng.integers(0, 5, n_populations))
    if rng.random() < 0.4:
        plan = replace(plan, barrier=random_barrier(rng, plan))
    return plan, random_trace(rng, n_neurons, int(rng.integers(1, 4)), timesteps)


def random_trace(rng: np.random.Generator, n_neurons: int, n_samples: int, timesteps: int) -> SpikeTrace:
    density = rng.choice([0.0, 0.05, 0.3, 0.7, 1.0], p=[0.05, 0.2, 0.3, 0.3, 0.15])
    spikes = rng.random((n_samples * timesteps, n_neurons)) < density
    active = rng.random(spikes.shape) < rng.random()  # independent of spikes: odder than any network
    return trace_of(spikes, active, n_samples, timesteps)


def trace_of(spikes: np.ndarray, active: np.ndarray, n_samples: int, timesteps: int) -> SpikeTrace:
    """A trace from two boolean arrays (n_samples * timesteps, n_neurons)."""
    row, neuron = np.nonzero(spikes)
    ptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=spikes.shape[0]))]).astype(np.int64)
    return SpikeTrace(
        n_samples=n_samples,
        timesteps=timesteps,
        n_neurons=spikes.shape[1],
        ptr=ptr,
        neuron=neuron.astype(np.int32),
        value=None,
        active=np.packbits(active, axis=1, bitorder="little"),
        membrane=np.zeros((n_samples, spikes.shape[1]), np.int32),
        saturations=np.zeros(0, np.int64),
    )
