"""`neurosim.engine.noc` on the fast engine: the same event loop with batches made from creation times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.engine.fast.layout import build_chip, dims_of
from neurosim.engine.fast.rounds import kind_of, new_log, new_tally, routes_of, run_round
from neurosim.engine.fast.walk import Work

if TYPE_CHECKING:
    from neurosim.engine.noc import NodeProgram


def run_packets(program: NodeProgram) -> tuple[np.ndarray, np.ndarray]:
    """(inject, arrive) of each packet, in sending order and on the network's clock."""
    plan, n = program.plan, program.order.size
    batches = np.append(program.ptr[1:], n)  # the host sends nothing
    work = Work(batches, program.wait.astype(np.int64), np.arange(1, n + 1), np.arange(n))
    tally, log = new_tally(plan), new_log(plan, True)
    dims = dims_of(plan)
    chip = build_chip(plan, dims)
    routes, trees = routes_of(plan, dims, True)
    run_round(0, dims, chip, work, routes, tally.sent, tally.delivered, log, *kind_of(plan, trees))
    times = np.zeros((n, 2), np.int64)
    times[log.rows[1:, 0]] = log.rows[1:, 1:]
    return times[:, 0], times[:, 1]
