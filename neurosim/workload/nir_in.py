"""Reading a NIR file as a `Network`, under a profile: the door to `nir_file`, `nir_shapes` and `nir_lower`."""

from __future__ import annotations

import json
from pathlib import Path

from neurosim.errors import NeurosimError
from neurosim.snn.network import Network, Readout
from neurosim.workload.nir_file import Graph, read_graph
from neurosim.workload.nir_lower import Lowering
from neurosim.workload.profiles import Profile, profile

HINTS = "neurosim"
"""Metadata entry (JSON) that neurosim's own exporter leaves: what NIR itself has no field for."""


def _hints(graph: Graph) -> dict:
    try:
        hints = json.loads(str(graph.metadata.get(HINTS, "{}")))
    except (ValueError, RecursionError):
        return {}
    return hints if isinstance(hints, dict) else {}


def _widths(hint: object) -> dict[str, int]:
    """Bits by name, where a hint is that."""
    pairs = hint.items() if isinstance(hint, dict) else ()
    return {name: bits for name, bits in pairs if isinstance(bits, int) and 1 <= bits <= 32}


def read_nir(
    path: Path, spec: str | Profile | None = None, *, dt: float | None = None, input_bits: int | None = None
) -> Network:
    """The network in the NIR file at ``path``, read with profile ``spec`` (see `profiles.profile`).

    ``input_bits`` is the width of the values the inputs carry (1: binary spikes). The profile and the loops closed
    are in `Network.metadata`. Raises NeurosimError naming the node that cannot be run, why, and what to do.
    """
    return lower(read_graph(path), Path(path), spec, dt=dt, input_bits=input_bits)


def lower(
    graph: Graph, path: Path, spec: str | Profile | None = None, *, dt: float | None = None,
    input_bits: int | None = None,
) -> Network:  # fmt: skip
    """`read_nir` for a graph already read (or changed); ``path`` names it."""
    hints = _hints(graph)
    spec = spec or hints.get("profile")
    if not isinstance(spec, str | Profile):
        raise NeurosimError(
            f"{path}: a NIR file does not say its step size, reset and comparison; name the framework that wrote it: "
            "--profile snntorch, spikingjelly, sinabs, norse, or nir:dt=SECONDS for the file's own text"
        )
    try:
        chosen = profile(spec, dt)
        bits = _widths(hints.get("input_bits")) if input_bits is None else {"": input_bits}
        inputs = [str(name) for name in hints.get("inputs", [])] if isinstance(hints.get("inputs"), list) else []
        network, closed = Lowering(graph, chosen, bits, inputs, _widths(hints.get("relays"))).run()
        readout = network.readout
        if readout is not None and "readout" in hints:
            kind = hints["readout"]
            readout = Readout(readout.population, str(kind)) if kind else None
        metadata = {"source": f"NIR {graph.version}".strip(), "profile": chosen.text}
        if closed:
            metadata["loops"] = f"closed one timestep later: {', '.join(closed)}"
        return Network(network.populations, network.projections, readout, path.stem, metadata)
    except NeurosimError as error:
        raise NeurosimError(f"{path}: {error}") from error
