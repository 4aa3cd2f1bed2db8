"""Stage 1: network and stimulus to spike trace, on the engine of choice."""

from __future__ import annotations

from collections.abc import Callable

from neurosim.errors import NeurosimError
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace, Stimulus


def run_function(
    network: Network,
    stimulus: Stimulus,
    engine: str = "fast",
    *,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> SpikeTrace:
    """The spikes of ``network`` on every sample of ``stimulus``; the same bytes from either engine.

    ``engine`` is ``fast`` (numba) or ``reference`` (numpy, slowly, for tests; ``threads`` are the fast
    engine's). ``progress`` is called with the number of samples done. Raises NeurosimError when network and
    stimulus do not fit each other, before any work.
    """
    if engine == "fast":
        from neurosim.engine.fast.function import fast_function

        return fast_function(network, stimulus, threads=threads, progress=progress)
    if engine == "reference":
        from neurosim.engine.reference.function import reference_function

        return reference_function(network, stimulus, progress)
    raise NeurosimError(f"engine: got {engine!r}, expected 'fast' or 'reference'")
