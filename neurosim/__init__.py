"""neurosim: a cycle-level neuromorphic hardware simulator with an energy model.

``neurosim.simulate(workload, chip)`` answers what a spiking network really costs on a chip. Names are imported
when first used, so that ``import neurosim`` is quick.
"""

from importlib import import_module

__version__ = "0.1.0"

_LAZY = {
    "simulate": "neurosim.api.runs",
    "compare_workloads": "neurosim.api.compare",
    "render_report": "neurosim.api.report",
    "sweep": "neurosim.api.sweep",
    "explore": "neurosim.api.explore",
    "render_results": "neurosim.api.report",
    "draw": "neurosim.api.report",
    "init": "neurosim.api.init",
    "neurobench": "neurosim.api.runs",
    "diff": "neurosim.study.diff",
    "footprint": "neurosim.api.studies",
    "break_even": "neurosim.api.studies",
    "Result": "neurosim.result",
    "load_chip": "neurosim.arch",
    "list_chips": "neurosim.arch",
    "Network": "neurosim.snn",
    "Stimulus": "neurosim.snn",
    "load_workload": "neurosim.workload.workload",
    "list_workloads": "neurosim.workload.workload",
    "load_network": "neurosim.workload.native",
    "save_network": "neurosim.workload.native",
    "read_nir": "neurosim.workload.nir_in",
    "to_nir": "neurosim.api.runs",
    "price": "neurosim.api.torch_price",
    "Price": "neurosim.api.torch_price",
    "from_torch": "neurosim.workload.torch_in",
    "quantize": "neurosim.compress.quantize",
    "quantize_stimulus": "neurosim.compress.relays",
    "prune": "neurosim.compress.prune",
    "compare": "neurosim.compress.compare",
    "encode": "neurosim.workload.encoder",
    "decode": "neurosim.workload.encoder",
    "read_events": "neurosim.workload.event_files",
    "write_events": "neurosim.workload.event_files",
    "frames_to_events": "neurosim.workload.contrast",
    "NeurosimError": "neurosim.errors",
}
__all__ = ["__version__", *_LAZY]


def __getattr__(name: str):
    if name not in _LAZY:
        raise AttributeError(f"module 'neurosim' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
