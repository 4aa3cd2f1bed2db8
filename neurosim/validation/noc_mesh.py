"""One line a run. Where no random draw can matter the figures must be equal; random runs go to `noc_sweep`.

BookSim prints six significant digits, so "equal" means equal when written with six. ``flit_latency`` is compared for
packets of one flit, where it is the network latency.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurosim.engine.noc import simulate_packets
from neurosim.validation.case import EQUAL, MISS, SKIPPED, Case
from neurosim.validation.noc_run import ROUTER_COLUMNS, burst_size, is_torus, left_out, nodes_a_side, router_of, routers
from neurosim.validation.noc_sweep import Sweeps
from neurosim.validation.noc_traffic import burst, pattern_of
from neurosim.validation.table import Row, read_rows

MARK = frozenset({"config", "mode", "deterministic", "traffic"})
MODES = ("batch", "latency", "throughput")
COLUMNS = (
    "config", "mode", *ROUTER_COLUMNS, "traffic", "seed", "injection_rate", "batch_size", "completed",
    "packet_latency", "network_latency", "packet_latency_min", "packet_latency_max", "routers_per_packet",
    "accepted_flit_rate", "batch_time", "sim_cycles", "deterministic",
)  # fmt: skip


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """One verdict a line (random runs), or a line and engine (the others); at last one a statistical figure."""
    rows = read_rows(path, COLUMNS)
    sweeps = Sweeps()
    for row in rows:
        title = f"{path.name}:{row.line} {_title(row)}"
        reason = left_out(row)
        exact = row.whole("deterministic", 0, 1) == 1 or (reason is None and _torus_without_ties(row))
        if reason is None and exact and row.text("mode", MODES) != "batch":
            reason = "deterministic, but its measured window is not recorded; only bursts can be equal"
        if reason is None and not exact and "fast" not in engines:
            reason = f"statistical, {sweeps.RUNS} runs a line; use --engine fast, which equals the reference"
        if reason:
            yield Case(title, SKIPPED, reason)
        elif exact:
            yield from (_compare(f"{title} [{engine}]", row, engine) for engine in engines)
        else:
            yield sweeps.compare(title, row)
    yield from sweeps.together(f"{path.name} statistical")


def _torus_without_ties(row: Row) -> bool:
    """A burst on a torus where no packet has two ways of equal length, and so nothing is drawn, though marked as if."""
    pattern = pattern_of(row)
    if row.text("mode", MODES) != "batch" or not is_torus(row) or pattern.random:
        return False
    k = nodes_a_side(row)
    src, dst = np.arange(k * k), pattern.choices[:, 0]
    return not any((2 * (apart % k) == k).any() for apart in (src % k - dst % k, src // k - dst // k))


def _title(row: Row) -> str:
    mode = row.text("mode", MODES)
    amount = f"size {row.cells['batch_size']}" if mode == "batch" else f"rate {row.cells['injection_rate']}"
    return f"{row.text('config')} {mode} {amount} seed {row.cells['seed']}"


def _compare(name: str, row: Row, engine: str) -> Case:
    pattern, router = pattern_of(row), router_of(row)
    if pattern.random:
        raise row.wrong("traffic", "a pattern without random draws on a line with deterministic=1")
    n_nodes = router.width * router.height
    src, ctime = burst(n_nodes, burst_size(row))
    dst = pattern.choices[src, 0]
    itime, atime = simulate_packets(router, src, dst, ctime, engine=engine)
    found = burst_figures(row, src, dst, ctime, itime, atime)
    known = [column for column in found if row.known(column)]
    if not known:
        raise row.wrong("batch_time", "at least one measured figure on a line with deterministic=1")
    for column in known:
        mine = float(f"{found[column]:.6g}")
        if mine != row.number(column):
            return Case(name, MISS, f"{column} {mine:g}, recorded {row.number(column):g}")
    return Case(name, EQUAL, f"{len(known)} figures")


def burst_figures(row: Row, src, dst, ctime, itime, atime) -> dict[str, float]:
    """The columns that a burst determines; arrays (n_packets,) int64, times in cycles, rates in flits/node/cycle."""
    k, flits = nodes_a_side(row), row.whole("packet_size", 1, 256)
    latency, in_network = atime - ctime, atime - itime
    batch_time = int(atime.max()) + 1
    rate = src.size * flits / (k * k * batch_time)
    figures = {
        "batch_time": batch_time,
        "packet_latency": latency.mean(),
        "network_latency": in_network.mean(),
        "packet_latency_min": latency.min(),
        "packet_latency_max": latency.max(),
        "routers_per_packet": routers(src, dst, k, is_torus(row)).mean(),
        "accepted_flit_rate": rate,
        "injected_flit_rate": rate,
        "sim_cycles": batch_time + 2,
    }
    return figures if flits > 1 else {**figures, "flit_latency": in_network.mean()}
