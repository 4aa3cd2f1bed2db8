"""Recorded RTL runs against the model: every cycle must be equal.

Runs of event chips (docs/events.md) are JSON files, each with its arrays; tables of RANC and ReckOn are CSV files
(`neurosim.validation.rtl_tables`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from neurosim.engine.event import run_events
from neurosim.engine.event_plan import ACCEPT, FIRST_OPERATION, IDLE, RELEASE, EventPlan, EventResult
from neurosim.errors import NeurosimError
from neurosim.validation.case import EQUAL, MISS, Case
from neurosim.validation.rtl_case import CHIPS, RtlCase, malformed_as_error, read_case, read_record
from neurosim.validation.rtl_tables import is_table, table_cases

_EDGES = ("req_rise", "ack_rise", "req_fall", "ack_fall")
_TOTALS = {
    "neuron_sram_access_cycles": "neuron_accesses",
    "neuron_sram_write_cycles": "neuron_writes",
    "synapse_sram_access_cycles": "synapse_accesses",
    "synapse_sram_write_cycles": "synapse_writes",
    "aer_out_busy_cycles": "output_busy",
    "fifo_dropped_pushes": "dropped",
    "fifo_max_entries": "queue_peak",
}
_STATES = {"WAIT": IDLE, "PUSH": ACCEPT, "WAIT_REQDN": RELEASE}
_SERVICE = {
    "TREF": ("tref_one", "tref_all"), "POP_NEUR": ("spike",), "POP_VIRT": ("virtual",), "SYNAPSE": ("synapse",),
    "BIST": ("bist_one", "bist_all"),
}  # fmt: skip


def compare(path: Path | str, engine: str = "fast") -> list[str]:
    """One line a recording: the verdict, its name and engine, and figures or the first differences."""
    return [case.line() for case in cases(Path(path), (engine,))]


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """One verdict a recording and engine at ``path``, a JSON file, a table or a folder of them.

    Raises NeurosimError when there is none, or when one cannot be read.
    """
    files = case_files(path)
    verdicts = (_verdict(file, engine) for file in files if not is_table(file) for engine in engines)
    return chain(verdicts, *(table_cases(file, engines) for file in files if is_table(file)))


def _verdict(file: Path, engine: str) -> Case:
    case = read_case(file)
    with malformed_as_error(file):
        found, compared = differences(case, run_case(case, engine))
    name = f"{case.name} [{engine}]"
    if found:
        return Case(name, MISS, "; ".join(found))
    return Case(name, EQUAL, f"{case.record['totals']['total_cycles']} cycles, {compared} values")


def case_files(path: Path) -> list[Path]:
    """The recordings in a folder, sorted by name, tables last; the file itself where a file is named."""
    if not path.exists():
        raise NeurosimError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    files = [file for file in sorted(path.glob("*.json")) if read_record(file).get("design") in CHIPS]
    files += [file for file in sorted(path.glob("*.csv")) if is_table(file)]
    if not files:
        raise NeurosimError(f"{path}: no recording of {', '.join(CHIPS)}, RANC or ReckOn in it")
    return files


def run_case(case: RtlCase, engine: str) -> EventResult:
    """The case on one engine, stopped at twice the recorded length."""
    limit = 2 * int(case.record["totals"]["total_cycles"]) + 1000
    return run_events(case.plan, case.program, case.events, case.environment, engine, max_cycles=limit)


def differences(case: RtlCase, result: EventResult) -> tuple[list[str], int]:
    """What differs, one phrase a field with its first place, and how many recorded values were compared."""
    found, compared = [], 0
    for name, mine, recorded in _pairs(case, result):
        mine, recorded = np.asarray(mine), np.asarray(recorded)
        compared += recorded.size
        if mine.shape != recorded.shape:
            rows = min(len(mine), len(recorded)) if mine.ndim and recorded.ndim else 0
            if mine.shape[1:] == recorded.shape[1:] and (at := _first(mine[:rows], recorded[:rows])) is not None:
                found.append(f"{name} {at}")
            found.append(f"{name}: {len(mine)} rows, recorded {len(recorded)}")
        elif (at := _first(mine, recorded)) is not None:
            found.append(f"{name} {at}")
    return found, compared


def _first(mine: np.ndarray, recorded: np.ndarray) -> str | None:
    if mine.ndim == 0:
        return None if mine == recorded else f"{mine}, recorded {recorded}"
    wrong = np.argwhere(mine != recorded)
    if not wrong.size:
        return None
    row = tuple(wrong[0])
    place = ", ".join(str(int(k)) for k in row)
    return f"[{place}]: {mine[row]}, recorded {recorded[row]} ({len(wrong)} differ)"


def _pairs(case: RtlCase, result: EventResult) -> Iterator[tuple[str, object, object]]:
    """(name, ours, recorded) of everything the recording holds."""
    record, arrays, plan = case.record, case.arrays, case.plan
    totals = record["totals"]
    yield "total_cycles", result.cycles, totals["total_cycles"]
    yield "handshakes", result.requests, [[event[edge] for edge in _EDGES] for event in record["events"]] or _none(4)
    yield "output_spikes", result.spikes, record["output_spikes"]["rows"] or _none(3)
    yield "aer_out", result.output, record["aer_out"]["rows"] or _none(4)
    yield "fifo_full_changes", result.full, record["fifo_full_changes"] or _none(2)
    names = {int(number): name for number, name in record["state_names"].items()}
    if unknown := set(arrays["state_runs"][:, 1].tolist()) - set(names):
        raise NeurosimError(f"state_names: names no state {min(unknown)} of state_runs")
    known = [name for name in names.values() if name in _STATES or name in _SERVICE or name == "AER_POP"]
    codes = np.array([known.index(names[number]) for number in arrays["state_runs"][:, 1].tolist()])
    ours = np.array([known.index(_state_name(plan, state)) for state in result.states[:, 1].tolist()])
    yield "state_runs", _with(result.states, ours), _with(arrays["state_runs"], codes)
    yield "op_end_cycle", result.operations[:, 1], arrays["op_end_cycle"]
    yield "v_after_op", result.membranes, arrays["v_after_op"]
    for recorded, name in _TOTALS.items():
        yield recorded, result.counts[name], totals[recorded]
    yield "n_output_spikes", len(result.spikes), totals["n_output_spikes"]
    if "weights_end" in arrays:
        yield "ca_after_op", result.calcium, arrays["ca_after_op"]
        yield "ca_leak_cnt_after_op", result.calcium_counts, arrays["ca_leak_cnt_after_op"]
        yield "weight_sum_after_op", result.operations[:, 2], arrays["weight_sum_after_op"]
        yield "weights_end", result.final_weights, arrays["weights_end"]


def _none(columns: int) -> np.ndarray:
    return np.zeros((0, columns), np.int64)


def _with(runs: np.ndarray, states: np.ndarray) -> np.ndarray:
    return np.column_stack([runs[:, 0], states, runs[:, 2]])


def _state_name(plan: EventPlan, state: int) -> str:
    """The recordings' word for one of the model's controller states."""
    for name, known in _STATES.items():
        if state == known:
            return name
    operation, closing = divmod(state - FIRST_OPERATION, 2)
    if closing:
        return "AER_POP"
    return next(name for name, served in _SERVICE.items() if plan.op_names[operation] in served)
