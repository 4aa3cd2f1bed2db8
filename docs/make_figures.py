"""Draws the figures of README and docs: run from the repository's top folder, ``python docs/make_figures.py``."""

from pathlib import Path

import neurosim
from neurosim.report.figure_footprint import draw_footprint
from neurosim.report.figures import energy_by_component
from neurosim.report.figures_compare import accuracy_against

SAMPLES = 200
IMAGES = Path(__file__).parent / "img"


def main() -> None:
    """One run a bar, on the shipped test slice; the same samples for all."""
    pairs = [
        ("mnist-conv-float", "edge-28nm"),
        ("mnist-conv-w4", "edge-28nm"),
        ("mnist-conv-w1", "edge-28nm"),
        ("mnist-mlp-w8", "edge-28nm"),
        ("mnist-mlp-w1", "edge-28nm"),
    ]
    results = [neurosim.simulate(workload, chip, samples=SAMPLES) for workload, chip in pairs]
    title = f"Energy of one MNIST digit on our 28 nm chip (mean of {SAMPLES} test digits)"
    print(energy_by_component(results, IMAGES / "energy_by_component.png", title))
    names = [f"mnist-{kind}-{bits}" for kind in ("conv", "mlp") for bits in ("float", "w8", "w4", "w2", "w1")]
    compared = neurosim.compare_workloads(names, "edge-28nm", samples=SAMPLES, against="ann", waterfalls=[])
    print(accuracy_against(compared, "energy", IMAGES / "compare_accuracy_energy.png"))
    print(draw_footprint(*neurosim.footprint("mnist-conv-w4", "edge-28nm"), IMAGES / "footprint.png"))


if __name__ == "__main__":
    main()
