"""Stage 2: a spike trace and a timing plan in, cycles and counts out. Checks first, then one of the two engines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.engine.plan import IDLE, RouterPlan, TimingPlan, TimingResult
from neurosim.errors import NeurosimError
from neurosim.snn.trace import SpikeTrace

MAX_ENDPOINTS, MAX_PORTS, MAX_ROUTES = 1 << 20, 1 << 12, 1 << 29
MAX_DELAY = 1 << 16
MAX_MULTICAST_PORTS = 62
TOPOLOGIES = ("mesh", "torus", "tree", "bus")


def run_timing(
    plan: TimingPlan,
    trace: SpikeTrace,
    engine: str = "fast",
    *,
    log: bool = False,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    mode: str = "cycle",
) -> TimingResult:
    """Time ``trace`` on ``plan``. The engines give equal results; ``threads`` are the fast one's.

    ``mode`` is ``cycle``, or ``estimate``: the same counts, quanta by reservation (docs/estimate.md), no packet log.
    """
    check_plan(plan)
    check_trace(plan, trace)
    if mode not in ("cycle", "estimate"):
        raise NeurosimError(f"timing mode: got {mode!r}, expected 'cycle' or 'estimate'")
    if mode == "estimate" and log:
        raise NeurosimError("timing mode: 'estimate' follows no single packets, so it has no packet log; use 'cycle'")
    if engine == "fast":
        from neurosim.engine.fast.timing import fast_timing

        return fast_timing(plan, trace, log=log, threads=threads, progress=progress, estimate=mode == "estimate")
    if engine == "reference" and mode == "estimate":
        from neurosim.engine.reference.estimate import reference_estimate

        return reference_estimate(plan, trace, progress=progress)
    if engine == "reference":
        from neurosim.engine.reference.timing import reference_timing

        return reference_timing(plan, trace, log=log, progress=progress)
    raise NeurosimError(f"engine: got {engine!r}, expected 'fast' or 'reference'")


def _between(name: str, value: int, low: int, high: int | None = None) -> None:
    if value < low or (high is not None and value > high):
        limit = f"{low} or more" if high is None else f"{low} to {high}"
        raise NeurosimError(f"plan.{name}: got {value}, expected {limit}")


def check_router(router: RouterPlan) -> None:
    """Ranges of every field; delays of 0 would let something happen before its cause."""
    for name in ("width", "height", "virtual_channels", "queue_depth", "flits_per_packet"):
        _between(f"router.{name}", getattr(router, name), 1)
    if router.topology not in TOPOLOGIES:
        raise NeurosimError(f"plan.router.topology: got {router.topology!r}, expected {', '.join(TOPOLOGIES)}")
    _between("router.cores_per_tile", router.cores_per_tile, 1, MAX_PORTS - 6)
    _between("router.host_tile", router.host_tile, 0, router.n_tiles - 1)
    _check_topology(router)
    for name in ("injection_cycles", "credit_injection_cycles", "credit_link_cycles", "credit_local_cycles"):
        _between(f"router.{name}", getattr(router, name), 1, MAX_DELAY)
    for name in ("latency_cycles", "interval_cycles"):
        values = getattr(router, name)
        if len(values) != 5:
            raise NeurosimError(f"plan.router.{name}: {len(values)} values, expected 5 (+x, -x, +y, -y, local)")
        for k, value in enumerate(values):
            _between(f"router.{name}[{k}]", value, 1, MAX_DELAY)
    if router.priority is None:
        return
    if router.topology not in ("mesh", "torus"):
        raise NeurosimError(
            f"plan.router.priority: got one for a {router.topology}, expected it on a mesh or torus only"
        )
    if len(router.priority) != 5 or any(sorted(row) != [0, 1, 2, 3, 4] for row in router.priority):
        raise NeurosimError("plan.router.priority: expected five rows, each the directions 0 to 4 in some order")


def _check_topology(router: RouterPlan) -> None:
    if router.topology == "tree":
        _between("router.arity", router.arity, 2, MAX_PORTS)
        _between("router.levels", router.levels, 0, 20)
        _between("router.width", router.width, router.arity**router.levels, router.arity**router.levels)
    if router.topology in ("tree", "bus"):
        _between("router.height", router.height, 1, 1)
    if router.topology == "bus":
        _between("router.width", router.width, 1, 1)
    if router.topology == "torus" and router.virtual_channels % 2:
        raise NeurosimError(
            f"plan.router.virtual_channels: got {router.virtual_channels}, expected an even number on a torus"
        )
    if router.chip_width or router.chip_height:
        for name in ("chip_width", "chip_height"):
            _between(f"router.{name}", getattr(router, name), 1)
        _between("router.off_chip_latency_cycles", router.off_chip_latency_cycles, 1, MAX_DELAY)
        _between("router.off_chip_interval_cycles", router.off_chip_interval_cycles, 1, MAX_DELAY)
    if router.multicast:
        _between("router.flits_per_packet with multicast", router.flits_per_packet, 1, 1)
        _between("ports of a router with multicast", router.n_ports, 1, MAX_MULTICAST_PORTS)


def check_plan(plan: TimingPlan) -> None:
    router = plan.router
    check_router(router)
    places = router.n_tiles * router.cores_per_tile
    _between("n_cores", plan.n_cores, 1, min(places, MAX_ENDPOINTS - 1))
    for name in ("ingress_depth", "egress_depth", "update_lanes"):
        _between(name, getattr(plan, name), 1)
    for name in ("egress_cycles", "host_cycles", "access_cycles", "active_cycles", "spike_cycles", "barrier_cycles",
                 "update_before"):  # fmt: skip
        _between(name, getattr(plan, name), 0)
    _between("n_routes", plan.n_routes, 0, MAX_ROUTES - 1)
    n_populations = plan.updates.size
    shapes = (
        ("endpoint", plan.endpoint.shape, (plan.n_neurons,)),
        ("slot_ptr", plan.slot_ptr.shape, (plan.n_cores + 1,)),
        ("route_ptr", plan.route_ptr.shape, (plan.n_neurons + 1,)),
        ("route_busy", plan.route_busy.shape, (plan.n_routes,)),
        ("round_timestep", plan.round_timestep.shape, (plan.round_timestep.shape[0], n_populations)),
    )
    for name, got, expected in shapes:
        if got != expected:
            raise NeurosimError(f"plan.{name}: shape {got}, expected {expected}")
    _within("population", plan.population, 0, n_populations - 1)
    _within("endpoint", plan.endpoint, 0, plan.n_cores)
    _within("route_endpoint", plan.route_endpoint, 0, plan.n_cores)
    _within("slot_neuron", plan.slot_neuron, 0, plan.n_neurons - 1)
    _within("route_busy", plan.route_busy, 1, None)
    if plan.update_after is not None:
        if plan.update_after.shape != (plan.n_cores,):
            raise NeurosimError(f"plan.update_after: shape {plan.update_after.shape}, expected {(plan.n_cores,)}")
        _within("update_after", plan.update_after, 0, None)
    if plan.product_cycles is not None:
        if plan.product_cycles.shape != (n_populations,):
            raise NeurosimError(f"plan.product_cycles: shape {plan.product_cycles.shape}, expected {(n_populations,)}")
        _within("product_cycles", plan.product_cycles, 0, None)
    _within("round_timestep", plan.round_timestep, IDLE, None)
    _check_sides(plan)
    _check_pointers("slot_ptr", plan.slot_ptr, plan.slot_neuron.size)
    _check_pointers("route_ptr", plan.route_ptr, plan.n_routes)
    _check_slots(plan)


def _check_barrier(plan: TimingPlan) -> None:
    """Whoever has work sends a message; else a round could end before its work."""
    b = plan.barrier
    if b is None:
        return
    for name, low in (("interval", 0), ("release", 0), ("hops", 0)):
        _between(f"barrier.{name}", getattr(b, name), low)
    _between("barrier.root", b.root, -1, plan.n_cores)
    if b.gather.shape != b.endpoint.shape:
        raise NeurosimError(f"plan.barrier.gather: shape {b.gather.shape}, expected {b.endpoint.shape}")
    _within("barrier.endpoint", b.endpoint, 0, plan.n_cores)
    _within("barrier.gather", b.gather, 0, None)
    told = np.append(b.endpoint, b.root if b.root >= 0 else np.zeros(0, np.int64))
    walks = np.zeros(plan.n_cores, bool) if plan.update_after is None else plan.update_after > 0
    walks = np.flatnonzero(walks | (plan.update_before > 0))
    missing = np.setdiff1d(np.concatenate([plan.endpoint, plan.route_endpoint, walks]), told)
    if missing.size or np.unique(told).size != told.size:
        raise NeurosimError(
            f"plan.barrier.endpoint: expected every endpoint with neurons or packets once; missing {missing.tolist()}"
        )


def _check_sides(plan: TimingPlan) -> None:
    _check_barrier(plan)
    for name in ("lookup_cycles", "fill_cycles"):
        _between(name, getattr(plan, name), 0)
    if plan.route_conflict is None:
        return
    if plan.route_conflict.shape != plan.route_busy.shape:
        raise NeurosimError(f"plan.route_conflict: shape {plan.route_conflict.shape}, expected {plan.route_busy.shape}")
    _within("route_conflict", plan.route_conflict, 0, None)
    wrong = np.flatnonzero(plan.route_conflict > plan.route_busy)
    if wrong.size:
        raise NeurosimError(
            f"plan.route_conflict: route {wrong[0]} has {plan.route_conflict[wrong[0]]}, "
            f"expected at most its route_busy of {plan.route_busy[wrong[0]]}"
        )


def _within(name: str, values: np.ndarray, low: int, high: int | None) -> None:
    if values.size:
        _between(name, int(values.min()), low, high)
        _between(name, int(values.max()), low, high)


def _check_pointers(name: str, ptr: np.ndarray, size: int) -> None:
    if ptr[0] != 0 or ptr[-1] != size or (np.diff(ptr) < 0).any():
        raise NeurosimError(f"plan.{name}: runs {ptr[0]} to {ptr[-1]}, expected an ascending run 0 to {size}")


def _check_slots(plan: TimingPlan) -> None:
    """Every neuron on a core has one slot there; what sits at the host is input."""
    core = np.repeat(np.arange(plan.n_cores), np.diff(plan.slot_ptr))
    wrong = np.flatnonzero(plan.endpoint[plan.slot_neuron] != core)
    if wrong.size:
        neuron = plan.slot_neuron[wrong[0]]
        raise NeurosimError(
            f"plan.slot_neuron: neuron {neuron} has a slot on core {core[wrong[0]]}, "
            f"expected its endpoint {plan.endpoint[neuron]}"
        )
    slots = np.bincount(plan.slot_neuron, minlength=plan.n_neurons)
    wrong = np.flatnonzero(slots != (plan.endpoint < plan.n_cores))
    if wrong.size:
        raise NeurosimError(
            f"plan.slot_neuron: neuron {wrong[0]} has {slots[wrong[0]]} slots, expected 1 on its core, 0 at the host"
        )
    wrong = np.flatnonzero((plan.endpoint == plan.n_cores) & plan.updates[plan.population])
    if wrong.size:
        raise NeurosimError(f"plan.endpoint: neuron {wrong[0]} is updated but sits at the host; place it on a core")


def check_trace(plan: TimingPlan, trace: SpikeTrace) -> None:
    if trace.n_neurons != plan.n_neurons:
        raise NeurosimError(f"trace: {trace.n_neurons} neurons, expected the plan's {plan.n_neurons}")
    if plan.round_timestep.size and plan.round_timestep.max() >= trace.timesteps:
        raise NeurosimError(
            f"plan.round_timestep: timestep {plan.round_timestep.max()}, but the trace has {trace.timesteps}"
        )
    _between("trace.active rows", trace.active.shape[0], trace.n_samples * trace.timesteps)
    if trace.neuron.size:
        ascending = np.diff(trace.neuron) > 0
        cuts = trace.ptr[1:-1]
        ascending[cuts[(cuts > 0) & (cuts < trace.neuron.size)] - 1] = True
        if not ascending.all():
            k = int(np.argmin(ascending))
            raise NeurosimError(
                f"trace.neuron: {trace.neuron[k]} then {trace.neuron[k + 1]} within one timestep, expected ascending "
                "numbers; a neuron spikes at most once a timestep"
            )
