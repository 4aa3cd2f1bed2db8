"""Our router beside BookSim 2: nanoseconds a flit-hop and their ratio, on the same meshes and loads, in one run.

    python benchmarks/booksim.py --booksim PATH [--cases uniform8-v1-b8-r0.1,...] [--repeats 3]
    python benchmarks/booksim.py

PATH is a built BookSim 2 binary (github.com/booksim/booksim2, unmodified). Without one, ours alone is measured and the
first line says so. A flit-hop is one passage of one flit through one router, ejection included, on both sides: the
peer's ``Hops average`` counts routers. Router: pipeline p3 (look-ahead routing, both allocations in one cycle, three
cycles a router), uniform Bernoulli traffic of one-flit packets. Each side draws its own packets, so loads agree in the
mean only. The two take turns, one thread each, and the least time a flit-hop of each counts; the peer's time is that
of its whole process, ours is a call with the preparation of its packets. The peer's mean hops and latency are printed
beside ours as a check that both did the same work.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from noc_speed import uniform

from neurosim.engine.noc import p3_router, simulate_packets

CYCLES = 20_000
CONFIGURATION = {
    # Network: a k x k mesh with links of one cycle, dimension-order routing.
    "topology": "mesh", "n": 2, "routing_function": "dim_order", "use_noc_latency": 0,
    # Router p3.
    "router": "iq", "wait_for_tail_credit": 0, "speculative": 1, "spec_check_elig": 1, "spec_check_cred": 1,
    "vc_allocator": "piggyback", "sw_allocator": "islip", "alloc_iters": 1, "routing_delay": 0, "vc_alloc_delay": 1,
    "sw_alloc_delay": 1, "st_prepare_delay": 0, "st_final_delay": 1, "credit_delay": 0, "input_speedup": 1,
    "output_speedup": 1, "internal_speedup": "1.0",
    # Load, and a length that does not depend on when its averages settle.
    "injection_rate_uses_flits": 1, "packet_size": 1, "traffic": "uniform", "warmup_periods": 1,
    "sample_period": 2000, "max_samples": 20, "latency_thres": "-1.0", "warmup_thres": "-1.0",
    "acc_warmup_thres": "-1.0", "stopping_thres": "-1.0", "acc_stopping_thres": "-1.0",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A k x k mesh with ``channels`` virtual channels of ``depth`` flits, offered ``rate`` flits a node and cycle."""

    k: int
    channels: int
    depth: int
    rate: float

    @property
    def name(self) -> str:
        return f"uniform{self.k}-v{self.channels}-b{self.depth}-r{self.rate}"


CASES = [Case(8, 1, 8, rate) for rate in (0.02, 0.1, 0.2, 0.3)]
CASES += [Case(8, 2, 4, 0.1), Case(8, 4, 8, 0.1), Case(8, 4, 8, 0.3)]
CASES += [Case(16, 1, 8, rate) for rate in (0.02, 0.1, 0.15)] + [Case(16, 4, 8, 0.1)]


@dataclass(frozen=True)
class Run:
    """One measurement: flit-hops done, CPU seconds, mean routers a packet, mean packet latency in cycles."""

    flit_hops: float
    cpu_s: float
    hops: float
    latency: float

    @property
    def ns(self) -> float:
        return self.cpu_s * 1e9 / self.flit_hops


def parse(output: str, nodes: int) -> dict[str, float]:
    """Cycles, mean hops, mean packet latency and flit-hops from what BookSim 2 prints for a mesh of ``nodes``.

    The averages are those under the last ``Overall Traffic Statistics``. Raises ValueError naming what is missing.
    """
    _, title, after = output.rpartition("====== Overall Traffic Statistics")
    overall = after if title else ""
    found = {}
    for name, text, pattern in (
        ("cycles", output, r"^Time taken is\s+(\S+)\s+cycles"),
        ("hops", overall, r"^Hops average\s*=\s*(\S+)"),
        ("latency", overall, r"^Packet latency average\s*=\s*(\S+)"),
        ("accepted", overall, r"^Accepted flit rate average\s*=\s*(\S+)"),
    ):
        matches = re.findall(pattern, text, re.MULTILINE)
        if not matches:
            raise ValueError(f"BookSim output: no line for {name} ({pattern}); it ends {output[-200:]!r}")
        found[name] = float(matches[0])
    return {**found, "flit_hops": found["accepted"] * nodes * found["cycles"] * found["hops"]}


def run_peer(binary: Path, case: Case, seed: int, folder: Path) -> Run:
    """One run of the binary. It ends with status 255 when all is well, so its output is what is checked."""
    configuration = folder / "p3.cfg"
    configuration.write_text("".join(f"{key} = {value};\n" for key, value in CONFIGURATION.items()))
    given = {"k": case.k, "num_vcs": case.channels, "vc_buf_size": case.depth, "injection_rate": case.rate}
    words = [f"{key}={value}" for key, value in {**given, "seed": seed}.items()]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([binary, configuration, *words], stdout=subprocess.PIPE, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = parse(done.stdout, case.k**2)
    return Run(found["flit_hops"], cpu, found["hops"], found["latency"])


def run_own(case: Case, seed: int) -> Run:
    src, dst, ctime = uniform(case.k, case.rate, CYCLES, seed)
    hops = np.abs(src % case.k - dst % case.k) + np.abs(src // case.k - dst // case.k) + 1
    router = p3_router(case.k, case.k, virtual_channels=case.channels, queue_depth=case.depth)
    start = time.process_time()
    _, arrived = simulate_packets(router, src, dst, ctime)
    cpu = time.process_time() - start
    return Run(float(hops.sum()), cpu, float(hops.mean()), float((arrived - ctime).mean()))


def compare(case: Case, binary: Path | None, repeats: int, folder: Path) -> None:
    own, peer = [], []
    for seed in range(1, repeats + 1):
        own.append(run_own(case, seed))
        if binary is not None:
            peer.append(run_peer(binary, case, seed, folder))
    ours = min(own, key=lambda run: run.ns)
    line = f"{case.name:24s} neurosim {ours.ns:7.1f} ns  (hops {ours.hops:.2f}, latency {ours.latency:.2f})"
    if peer:
        theirs = min(peer, key=lambda run: run.ns)
        line += (
            f"   BookSim 2 {theirs.ns:8.1f} ns  (hops {theirs.hops:.2f}, latency {theirs.latency:.2f})"
            f"   ratio {theirs.ns / ours.ns:.1f}"
        )
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--booksim", type=Path, help="a built BookSim 2 binary")
    parser.add_argument("--cases", default=",".join(case.name for case in CASES))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    by_name = {case.name: case for case in CASES}
    unknown = [name for name in options.cases.split(",") if name not in by_name]
    if unknown:
        parser.error(f"--cases: {', '.join(unknown)} not known; expected some of {', '.join(by_name)}")
    if options.booksim is not None and not options.booksim.is_file():
        parser.error(f"--booksim: {options.booksim} is not a file; give the built binary")
    if options.booksim is None:
        print("no BookSim 2 binary given (--booksim PATH): neurosim alone, no ratio")
    binary = None if options.booksim is None else options.booksim.resolve()
    run_own(CASES[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        for name in options.cases.split(","):
            compare(by_name[name], binary, options.repeats, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
