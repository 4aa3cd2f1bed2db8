"""Random runs of the table of runs, compared statistically.

The recorded run is one draw; the model is run `Sweeps.RUNS` = 16 times with other draws of the same traffic and the
same number of cycles, so each run measures as many packets as the recorded one and starts from the same empty
network. A figure agrees when

    |recorded - mean| <= t x s x sqrt(1 + 1/RUNS) + resolution

with s the standard deviation of a run's figure over the 16 runs. Delays of one run are correlated (packets queue
behind each other), so the spread of single packets over sqrt(n) would be too small; a run's mean over its n packets
is close to normal since n is hundreds to ten thousands, and its spread falls as 1/sqrt(n) by itself. t = 6.11 is the
two-sided Student quantile of 2e-5 for 15 degrees of freedom: one false alarm in a hundred tables of 500 lines.
``resolution`` is what six printed digits and the edge of a window can hide.

A line alone cannot show a small bias, all lines together can. `together` averages the differences in units of their
own spread and asks that the average be within 4.5 x sqrt(15/13) / sqrt(groups), 15/13 being the variance of Student's
t. Lines of one traffic, rate and seed saw the same random numbers in BookSim, so they count as one group.

A torus is compared for its trend only: where a packet may go either way round, half of the ring being as long, BookSim
draws, the model goes up. So its bound has `TREND` of the recorded figure added, steady rates are left out where a
packet waits longer than it travels, and torus lines take no part in `together`. (Bursts without such ties are equal.)

Figures: queueing delay, packet_latency - (2 + 3 x routers + L - 1), for bursts and for rates below saturation (the
mean distance moves with the draw, the delay does not), the drain time of a burst, and the accepted rate where the
offered rate is 1. A run that never reached a steady state (completed = 0) has no mean to compare.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator

import numpy as np

from neurosim.engine.noc import simulate_packets
from neurosim.validation.case import MISS, SKIPPED, WITHIN, Case
from neurosim.validation.noc_run import MAX_PACKETS, burst_size, is_torus, nodes_a_side, router_of, routers
from neurosim.validation.noc_traffic import bernoulli, burst, pattern_of
from neurosim.validation.table import Row

STUDENT_T = 6.11
TOGETHER = 4.5 * math.sqrt(15 / 13)
FEWEST_GROUPS = 10
TREND = 0.5
WARM_UP = 0.25
WINDOWS = {"latency": (4000, 8000), "throughput": (4000, 2000, 8000)}
_SAME = (
    "mode", "topology", "k", "num_vcs", "vc_buf_size", "packet_size", "traffic", "hotspot_nodes", "injection_rate",
    "batch_size",
)  # fmt: skip
_SAME_DRAWS = ("mode", "k", "packet_size", "traffic", "injection_rate", "batch_size", "seed")


class Sweeps:
    """Runs of the model by traffic, each drawn once: lines that differ in BookSim's seed alone share them."""

    RUNS = 16

    def __init__(self) -> None:
        self._known: dict[tuple, tuple[dict[str, np.ndarray], int]] = {}
        self._differences: dict[str, dict[tuple, list[float]]] = {}

    def compare(self, name: str, row: Row) -> Case:
        """The verdict on one line; ``not compared`` with its reason where no steady figure was recorded."""
        if row.whole("completed", 0, 1) == 0:
            return Case(name, SKIPPED, "saturated; no steady mean was recorded")
        total = 0 if row.cells["mode"] == "batch" else _cycles(row)
        if total is None:
            return Case(name, SKIPPED, "the measured window cannot be told from sim_cycles and the rates")
        key = (total, *(row.cells.get(column, "") for column in _SAME))
        if key not in self._known:
            self._known[key] = _runs(row, total, self.RUNS, zlib.crc32(repr(key).encode()))
        runs, packets = self._known[key]
        texts, missed = [], False
        for figure, values in runs.items():
            recorded, resolution = _recorded(row, figure)
            spread = float(values.std(ddof=1)) * math.sqrt(1 + 1 / values.size)
            mean, bound = float(values.mean()), STUDENT_T * spread + resolution
            if is_torus(row):
                bound += TREND * abs(recorded)
                if row.cells["mode"] == "latency" and max(recorded, mean) > _zero_load(row):
                    return Case(name, SKIPPED, "torus near saturation, where the side that ties take decides")
            missed |= abs(recorded - mean) > bound
            texts.append(f"{figure} {recorded:.5g}, model {mean:.5g} +- {bound:.3g}")
            if spread > resolution and not is_torus(row):
                group = tuple(row.cells.get(column, "") for column in _SAME_DRAWS)
                self._differences.setdefault(figure, {}).setdefault(group, []).append((recorded - mean) / spread)
        kind = "trend" if is_torus(row) else "statistical"
        detail = f"{kind}, {self.RUNS} runs of {packets} packets: {'; '.join(texts)}"
        return Case(name, MISS if missed else WITHIN, detail)

    def together(self, name: str) -> Iterator[Case]:
        """A verdict a figure on the average difference of all lines; none for fewer than ten groups."""
        for figure, groups in self._differences.items():
            if len(groups) < FEWEST_GROUPS:
                continue
            average = float(np.mean([np.mean(differences) for differences in groups.values()]))
            bound = TOGETHER / math.sqrt(len(groups))
            detail = f"average difference {average:+.3f} spreads of a run, bound {bound:.3f} for {len(groups)} groups"
            yield Case(f"{name} {figure}, all lines", WITHIN if abs(average) <= bound else MISS, detail)


def _zero_load(row: Row) -> float:
    """Mean latency of the recorded packets in an empty network."""
    return 2 + 3 * row.number("routers_per_packet", 1) + row.whole("packet_size", 1, 256) - 1


def _recorded(row: Row, figure: str) -> tuple[float, float]:
    """The recorded figure and its resolution."""
    flits = row.whole("packet_size", 1, 256)
    if figure == "queueing delay":
        latency, distance = row.number("packet_latency", 0), row.number("routers_per_packet", 1)
        last_digit = 0.5 * 10.0 ** (math.floor(math.log10(max(latency, 1))) - 5)
        return latency - (2 + 3 * distance + flits - 1), last_digit + 1.5e-5
    if figure == "batch_time":
        return row.number("batch_time", 0), 1.0
    # Tails stand for whole packets: one packet a node may straddle either edge of the window.
    return row.number("accepted_flit_rate", 0, 1), 5e-7 + flits / (_cycles(row) * (1 - WARM_UP))


def _cycles(row: Row) -> int | None:
    """Cycles before draining, of which the first quarter warms up. BookSim measures a rate over whole cycles, so
    the right window makes whole flits of both rates; hot spots were run longer."""
    total, nodes = row.number("sim_cycles", 0, 1e7), nodes_a_side(row) ** 2
    windows = WINDOWS[row.text("mode", WINDOWS)]
    if row.cells["mode"] == "latency" and row.cells["traffic"].startswith("hot"):
        windows = windows[::-1]
    rates = [row.number(c, 0, 1) for c in ("accepted_flit_rate", "injected_flit_rate") if row.known(c)]
    for cycles in windows:
        flits = [rate * nodes * cycles * (1 - WARM_UP) for rate in rates]
        error = 0.6e-6 * nodes * cycles
        if cycles <= total and all(abs(f - round(f)) <= error for f in flits):
            return cycles
    return None


def _runs(row: Row, total: int, count: int, seed: int) -> tuple[dict[str, np.ndarray], int]:
    """Figures of ``count`` runs, each (count,) float64, and the mean number of packets measured in one."""
    rngs = [np.random.default_rng([seed, run]) for run in range(count)]
    one = _burst_run if row.cells["mode"] == "batch" else _rate_run
    results = [one(row, total, rng) for rng in rngs]
    figures = {name: np.array([found[name] for found, _ in results]) for name in results[0][0]}
    return figures, round(float(np.mean([n for _, n in results])))


def _delay(row: Row, src, dst, ctime, atime) -> np.ndarray:
    ideal = 2 + 3 * routers(src, dst, nodes_a_side(row), is_torus(row)) + row.whole("packet_size", 1, 256) - 1
    return atime - ctime - ideal


def _burst_run(row: Row, total: int, rng: np.random.Generator) -> tuple[dict[str, float], int]:
    router, size = router_of(row), burst_size(row)
    src, ctime = burst(router.width * router.height, size)
    dst = pattern_of(row).draw(src, rng)
    _, atime = simulate_packets(router, src, dst, ctime)
    found = {"queueing delay": float(_delay(row, src, dst, ctime, atime).mean()), "batch_time": int(atime.max()) + 1}
    return found, src.size


def _rate_run(row: Row, total: int, rng: np.random.Generator) -> tuple[dict[str, float], int]:
    """BookSim asks a node for its next packet once the last flit before it has left, and measures those asked for
    after the warm-up and created before the end; creation goes on while the measured ones drain."""
    router, flits = router_of(row), row.whole("packet_size", 1, 256)
    nodes, rate = router.width * router.height, row.number("injection_rate", 1e-6, 1) / flits
    saturated = row.cells["mode"] == "throughput"
    last = total if saturated else int(row.number("sim_cycles", 0, 1e7))
    if nodes * last > MAX_PACKETS:
        raise row.wrong("sim_cycles", f"at most {MAX_PACKETS // nodes} for {nodes} nodes")
    src, ctime = bernoulli(nodes, rate, last, rng)
    dst = pattern_of(row).draw(src, rng)
    itime, atime = simulate_packets(router, src, dst, ctime)
    warm = total * WARM_UP
    if saturated:
        accepted = int(((atime >= warm) & (atime < total)).sum())
        return {"accepted rate": accepted * flits / (nodes * (total - warm))}, accepted
    asked = np.maximum(ctime[1:], np.where(src[1:] == src[:-1], itime[:-1] + flits, 0))
    measured = np.append(ctime[:1], asked) >= warm
    measured &= ctime < total
    if not measured.any():
        raise row.wrong("injection_rate", f"a rate that creates packets in {total} cycles")
    return {"queueing delay": float(_delay(row, src, dst, ctime, atime)[measured].mean())}, int(measured.sum())
