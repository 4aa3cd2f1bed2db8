"""Stage 2: plan and spikes to cycles and counts, on the engine of choice."""

from __future__ import annotations

from collections.abc import Callable

from neurosim.engine.plan import TimingPlan, TimingResult
from neurosim.errors import NeurosimError
from neurosim.snn.trace import SpikeTrace


def run_timing(
    plan: TimingPlan,
    trace: SpikeTrace,
    engine: str = "fast",
    *,
    log: bool = False,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> TimingResult:
    """Cycles and counts of every sample of ``trace``; equal from either engine, whatever the number of threads.

    ``engine`` is ``fast`` (numba) or ``reference`` (SimPy). ``log`` keeps every packet. Raises NeurosimError when
    plan and trace are not of the same network.
    """
    if plan.n_neurons != trace.n_neurons:
        raise NeurosimError(f"timing: the plan has {plan.n_neurons} neurons, the trace {trace.n_neurons}")
    if engine == "fast":
        from neurosim.engine.fast.timing import fast_timing

        return fast_timing(plan, trace, log=log, threads=threads, progress=progress)
    if engine == "reference":
        from neurosim.engine.reference.timing import reference_timing

        return reference_timing(plan, trace, log=log)
    raise NeurosimError(f"engine: got {engine!r}, expected 'fast' or 'reference'")
