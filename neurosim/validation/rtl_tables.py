"""Recorded tables of RANC and ReckOn: cycles of a tick, of packets and of steps, each row against the chip file.

A table may describe instances of other sizes than the chip file's; whatever else counts is the chip's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from neurosim.arch import Chip, load_chip
from neurosim.engine.lower import lower_timing, router_plan
from neurosim.engine.noc import simulate_packets
from neurosim.engine.phases import plan_phases, run_phases
from neurosim.engine.plan import RouterPlan
from neurosim.engine.timing import run_timing
from neurosim.mapping.map import map_network
from neurosim.snn.network import Network, Population
from neurosim.snn.neuron import Lif
from neurosim.snn.trace import SpikeTrace
from neurosim.validation.case import EQUAL, MISS, Case
from neurosim.validation.rtl_case import malformed_as_error
from neurosim.validation.table import Row, read_rows

_MOST = 1 << 12
_MESH = 64
_PHASES = {
    "step": "cycles_STEP", "step_done": "cycles_SDONE", "eprop": "cycles_EPROP", "scan": "cycles_scan_CNT",
    "event": "cycles_event_EVT", "trace": "cycles_trace_SUPP",
}  # fmt: skip
_SHOWN = 3

Values = dict[str, list[int]]
"""Modelled values of every row, by the column that holds the recorded ones."""


def _tick(rows: list[Row], engine: str) -> Values:
    """One tick of one core: all its neurons mapped, once with nothing active and once with everything."""
    cycles = []
    for row in rows:
        neurons = row.whole("n_neurons", 1, _MOST)
        sizes = {"neurons": neurons, "axons_in": row.whole("n_axons", 1, _MOST)}
        chip = load_chip("ranc")
        chip = chip.model_copy(update={"core": chip.core.model_copy(update=sizes)})
        cycles.append(tick_cycles(chip, neurons, engine))
    return {"cycles_non_idle_per_tick": cycles}


def tick_cycles(chip: Chip, neurons: int, engine: str) -> int:
    """Quanta of a tick in which a core holds ``neurons`` silent neurons, each with something to do."""
    network = Network((Population("all", (neurons,), Lif(None, membrane_bits=8)),), ())
    mapping = map_network(network, chip, placement=np.zeros(neurons, np.int32))
    plan = lower_timing(network, chip, mapping, 1)
    trace = SpikeTrace(
        n_samples=1,
        timesteps=1,
        n_neurons=neurons,
        ptr=np.zeros(2, np.int64),
        neuron=np.zeros(0, np.int32),
        value=None,
        active=np.packbits(np.ones((1, neurons), bool), axis=1, bitorder="little"),
        membrane=np.zeros((1, neurons), np.int32),
        saturations=np.zeros(1, np.int64),
    )
    return int(run_timing(plan, trace, engine).round_cycles[0, 0])


def _router(width: int, height: int) -> RouterPlan:
    return replace(router_plan(load_chip("ranc")), width=width, height=height)


def _latency(rows: list[Row], engine: str) -> Values:
    """Each row is one packet alone on a mesh just large enough."""
    cycles = []
    for row in rows:
        dx, dy = row.whole("dx", -_MESH + 1, _MESH - 1), row.whole("dy", -_MESH + 1, _MESH - 1)
        router = _router(abs(dx) + 1, abs(dy) + 1)
        source = max(0, -dx) + router.width * max(0, -dy)
        _, arrived = simulate_packets(router, [source], [source + dx + router.width * dy], [0], engine=engine)
        cycles.append(int(arrived[0]))
    return {"cycles_spike_to_scheduler_write": cycles}


def _convergence(rows: list[Row], engine: str) -> Values:
    """All rows are one run; a spike's strobe is the quantum in which its packet is sent."""
    src, dst = (
        [(row.whole(f"{end}_x", 0, _MESH - 1), row.whole(f"{end}_y", 0, _MESH - 1)) for row in rows]
        for end in ("src", "dst")
    )
    width, height = (1 + max(place[k] for place in (*src, *dst)) for k in (0, 1))
    spike = np.array([row.whole("cycle_spike", 0, 1 << 30) for row in rows])
    cores = ([x + width * y for x, y in ends] for ends in (src, dst))
    sent, arrived = simulate_packets(_router(width, height), *cores, spike, engine=engine)
    return {
        "cycle_spike": sent.tolist(),
        "cycle_scheduler_write": arrived.tolist(),
        "latency": (arrived - spike).tolist(),
    }


def _steps(rows: list[Row], engine: str) -> Values:
    """Every row is a step of its own."""
    plan = plan_phases(load_chip("reckon"))
    steps = [
        [row.whole(name, low, high) for name, (low, high, _) in zip(plan.quantities, plan.limits, strict=True)]
        for row in rows
    ]
    cycles = run_phases(plan, np.array(steps, np.int64), engine)
    parts = {_PHASES[name]: cycles[:, k].tolist() for k, name in enumerate(plan.phases)}
    return {**parts, "cycles_total": cycles.sum(axis=1).tolist()}


_RUNS: dict[str, tuple[tuple[str, ...], Callable[[list[Row], str], Values]]] = {
    "ranc_core_tick_cycles": (("n_axons", "n_neurons", "cycles_non_idle_per_tick"), _tick),
    "ranc_router_latency": (("dx", "dy", "cycles_spike_to_scheduler_write"), _latency),
    "ranc_router_convergence": (
        ("src_x", "src_y", "dst_x", "dst_y", "cycle_spike", "cycle_scheduler_write", "latency"),
        _convergence,
    ),
    "reckon_step_cycles": (("n_input", "n_recurrent", "n_output", *_PHASES.values(), "cycles_total"), _steps),
}


def is_table(path: Path) -> bool:
    """Whether a file's name is that of a recorded table."""
    return path.suffix == ".csv" and path.stem in _RUNS


def table_cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """One verdict an engine on all rows of a table. Raises NeurosimError naming file, line and column."""
    columns, run = _RUNS[path.stem]
    rows = read_rows(path, columns)
    for engine in engines:
        with malformed_as_error(path):
            values = run(rows, engine)
        recorded = {column: [row.whole(column, 0, 1 << 40) for row in rows] for column in values}
        wrong = [
            f"line {row.line} {column} {values[column][k]}, recorded {recorded[column][k]}"
            for k, row in enumerate(rows)
            for column in values
            if values[column][k] != recorded[column][k]
        ]
        name = f"{path.name} [{engine}]"
        if wrong:
            more = f" and {len(wrong) - _SHOWN} more" * (len(wrong) > _SHOWN)
            yield Case(name, MISS, "; ".join(wrong[:_SHOWN]) + more)
        else:
            yield Case(name, EQUAL, f"{len(rows)} rows, {len(rows) * len(values)} values")
