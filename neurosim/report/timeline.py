"""A run as a timeline: the Chrome trace-event format, which the Perfetto viewer opens.

One sample is run again on the reference engine, which is written to be watched and agrees with the fast engine on
every quantum. Tracks: three a core (update, egress, synapse), one a router output in use, one for barriers; counters
for the queues into and out of a core. Rounds follow one another; times are microseconds of simulated time.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.arch import Chip
from neurosim.engine.activity import router_name
from neurosim.engine.plan import BarrierPlan, RouterPlan, TimingPlan
from neurosim.engine.reference.round import Round
from neurosim.engine.reference.timing import UpdateCounts
from neurosim.engine.reference.walk import RoundView, groups_of_core, routed
from neurosim.engine.work import row_work
from neurosim.errors import NeurosimError
from neurosim.files import replacing
from neurosim.run import Stages, simulate_stages
from neurosim.snn.network import Network
from neurosim.snn.trace import Stimulus

MAX_EVENTS = 2_000_000
CORES, MESH, CHIP = 1, 2, 3
TRACKS = 5  # of a core: `_UNITS`
_UNITS = ("update", "egress", "synapse", "fetch", "accumulate")
_OUTPUTS = ("east", "west", "north", "south")


class _Writer:
    """Collects events; quanta in, microseconds out."""

    def __init__(self, quantum_ps: float) -> None:
        self.microseconds = quantum_ps * 1e-6
        self.events: list[dict[str, Any]] = []

    def name(self, process: int, thread: int | None, text: str) -> None:
        kind = "process_name" if thread is None else "thread_name"
        self.events.append({"ph": "M", "name": kind, "pid": process, "tid": thread or 0, "args": {"name": text}})

    def slice(self, process: int, thread: int, text: str, start: int, end: int, **args: Any) -> None:
        if end <= start:
            return
        if len(self.events) >= MAX_EVENTS:
            raise NeurosimError(
                f"trace: more than {MAX_EVENTS:,} events; choose fewer timesteps with --trace-steps FIRST:LAST"
            )
        scale = self.microseconds
        event = {"ph": "X", "name": text, "pid": process, "tid": thread, "ts": start * scale}
        self.events.append({**event, "dur": (end - start) * scale, "args": args})

    def counter(self, process: int, text: str, at: int, value: int) -> None:
        event = {"ph": "C", "name": text, "pid": process, "ts": at * self.microseconds, "args": {"packets": value}}
        self.events.append(event)


class _Work:
    """What a synapse unit does for a packet: look the axon up, then fetch and accumulate row by row."""

    def __init__(self, stages: Stages, network: Network, chip: Chip) -> None:
        self.flits, self.seen = stages.plan.router.flits_per_packet, Counter()
        self.row_ptr = stages.mapping.routes.row_ptr
        self.fetch, self.accumulate = row_work(network, chip, stages.mapping)
        unit = chip.core.synapse
        self.serial, self.in_update = unit.overlap == "serial", unit.accumulates == "in_update"
        self.lookup = 0 if unit.overlap_lookup else unit.axon_lookup_cycles

    def show(self, out: _Writer, core: int, route: int, now: int) -> None:
        """Slices of the work that begins at ``now`` with the last flit of a packet."""
        self.seen[route] += 1
        if self.seen[route] % self.flits:
            return
        fetch, accumulate = TRACKS * core + 3, TRACKS * core + 4
        out.slice(CORES, fetch, "axon lookup", now, now + self.lookup)
        now += self.lookup
        for row in range(self.row_ptr[route], 0 if self.in_update else self.row_ptr[route + 1]):
            words, events = int(self.fetch[row]), int(self.accumulate[row])
            out.slice(CORES, fetch, "fetch", now, now + words)
            begin = now + words if self.serial else now
            out.slice(CORES, accumulate, "accumulate", begin, begin + events)
            now = max(now + words, begin + events)


def _rounds(stages: Stages, steps: tuple[int, int]) -> Iterator[tuple[int, Round]]:
    """(round number, finished round) of every round in which some population works on one of the timesteps."""
    plan, trace = stages.plan, stages.trace
    zeros = [np.zeros(plan.n_neurons, np.int64) for _ in range(3)]
    counts = UpdateCounts(*zeros)
    for number in range(plan.n_rounds):
        row = plan.round_timestep[number]
        if not ((row >= steps[0]) & (row < steps[1])).any():
            continue
        view = RoundView(plan, trace, 0, number)
        groups = [groups_of_core(plan, view, core, counts) for core in range(plan.n_cores)]
        finished = Round(plan, groups, routed(plan, view.host_spikes()))
        yield number, finished


def _source_of(plan: TimingPlan) -> np.ndarray:
    return np.repeat(np.arange(plan.n_neurons), np.diff(plan.route_ptr))


def _add_round(
    out: _Writer, stages: Stages, network: Network, number: int, done: Round, start: int, source, work: _Work
) -> int:
    """Events of one round that begins at quantum ``start``; returns the quantum of its end, barrier included."""
    plan = stages.plan
    worked = done.run()
    length, conflict = done.length(), plan.route_conflict
    step = {p.name: int(t) for p, t in zip(network.populations, plan.round_timestep[number], strict=True) if t >= 0}

    def packet(route: int) -> dict[str, Any]:
        neuron = int(source[route])
        return {
            "from": network.populations[plan.population[neuron]].name,
            "neuron": neuron,
            "to": int(plan.route_endpoint[route]),
        }

    for core in range(plan.n_cores + 1):
        label = "host" if core == plan.n_cores else f"core {core}"
        if core < plan.n_cores:
            for text, begin, end in done.update[core].slices:
                out.slice(CORES, TRACKS * core, text, start + begin, start + end)
        for route, begin, end, waited in done.egress[core].slices:
            late = {"waited_for_network_quanta": waited} if waited else {}
            out.slice(CORES, TRACKS * core + 1, "send", start + begin, start + end, **packet(route), **late)
        for route, begin, end in done.synapse[core].slices:
            lost = {"bank_conflict_quanta": int(conflict[route])} if conflict is not None and conflict[route] else {}
            out.slice(CORES, TRACKS * core + 2, "receive", start + begin, start + end, **packet(route), **lost)
            if core < plan.n_cores:
                work.show(out, core, route, start + begin)
        for begin, end in done.synapse[core].waits:
            out.slice(CORES, TRACKS * core + 2, "waiting: memory port", start + begin, start + end)
        for kind, depths in (("egress", done.queues[core].depths), ("ingress", done.synapse[core].depths)):
            for at, depth in depths if len(depths) > 1 else ():
                out.counter(CORES, f"{label} {kind} queue", start + at, depth)
    for tile, router in enumerate(done.routers):
        for port, output in enumerate(router.outputs):
            for route, begin, end in output.slices:
                out.slice(MESH, tile * router.n_ports + port, "flit", start + begin, start + end, **packet(route))
    out.slice(CHIP, 0, f"round {number}", start, start + worked, **step)
    if plan.barrier is None:
        out.slice(CHIP, 0, "barrier", start + worked, start + length)
    else:
        _add_messages(out, plan.barrier, done.ends(), start, start + worked, start + length)
    return start + length


def _add_messages(out: _Writer, barrier: BarrierPlan, ends: list[int], start: int, worked: int, end: int) -> None:
    """A barrier of messages: who reports when, and from when on the release is on its way."""
    for endpoint, way in zip(barrier.endpoint.tolist(), barrier.gather.tolist(), strict=True):
        out.slice(CORES, TRACKS * endpoint + 1, "barrier: done", start + ends[endpoint], start + ends[endpoint] + way)
    out.slice(CHIP, 0, "barrier: messages to the root", worked, end - barrier.release)
    out.slice(CHIP, 0, "barrier: release", end - barrier.release, end)


def _output_name(router: RouterPlan, number: int, port: int) -> str:
    if router.topology == "tree":
        place = router_name(router, number)
        outputs = ("up", *(f"down {k}" for k in range(router.arity)))
    else:
        place, outputs = f"tile ({number % router.width}, {number // router.width})", _OUTPUTS
    return f"{place} {outputs[port] if port < router.first_local else f'local {port - router.first_local}'}"


def _name_tracks(out: _Writer, plan: TimingPlan) -> None:
    """Names for the tracks that hold at least one slice."""
    used = {(e["pid"], e["tid"]) for e in out.events if e["ph"] == "X"}
    for process, text in ((CORES, "cores"), (MESH, "mesh links"), (CHIP, "chip")):
        out.name(process, None, text)
    ports = plan.router.n_ports
    for process, thread in sorted(used):
        if process == CORES:
            core, unit = divmod(thread, TRACKS)
            out.name(process, thread, f"{'host' if core == plan.n_cores else f'core {core}'} {_UNITS[unit]}")
        elif process == MESH:
            tile, port = divmod(thread, ports)
            out.name(process, thread, _output_name(plan.router, tile, port))
        else:
            out.name(process, thread, "rounds and barriers")


def write_timeline(
    path: Path,
    network: Network,
    chip: Chip,
    stimulus: Stimulus,
    *,
    sample: int = 0,
    steps: tuple[int, int] | None = None,
    capacity: str = "refuse",
    placement: np.ndarray | None = None,
) -> int:
    """Write the timeline of one sample to ``path`` (JSON, gzip when it ends in .gz); returns the number of events.

    ``steps`` (first, one past last) limits it to rounds that work on those network timesteps. Raises NeurosimError
    for a sample or steps that do not exist and for a timeline of more than two million events.
    """
    first, last = steps or (0, stimulus.timesteps)
    if not 0 <= first < last <= stimulus.timesteps:
        raise NeurosimError(f"trace steps: got {first}:{last}, expected 0 <= first < last <= {stimulus.timesteps}")
    stages = simulate_stages(network, chip, stimulus.sample(sample), capacity=capacity, placement=placement)
    out = _Writer(chip.clock.quantum_ps)
    source, clock, work = _source_of(stages.plan), 0, _Work(stages, network, chip)
    for number, done in _rounds(stages, (first, last)):
        clock = _add_round(out, stages, network, number, done, clock, source, work)
    _name_tracks(out, stages.plan)
    content = {"traceEvents": out.events, "displayTimeUnit": "ns", "otherData": {"chip": chip.name, "sample": sample}}
    text = json.dumps(content, separators=(",", ":")).encode()
    with replacing(Path(path)) as temporary:
        # No time stamp inside, so that the same run writes the same bytes.
        temporary.write_bytes(gzip.compress(text, mtime=0) if str(path).endswith(".gz") else text)
    return len(out.events)
