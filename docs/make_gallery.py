"""Renders the shipped studies and one result, and puts small pictures of them into reports/gallery.

python docs/make_gallery.py [FOLDER]     # FOLDER keeps the pages; studies already rendered there are not run again
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

import neurosim
from neurosim.files import replacing

GALLERY = Path(__file__).resolve().parent.parent / "reports" / "gallery"
WIDTH, COLOURS = 700, 128
SHOWN = {
    "uniform": ("edge-28nm_accuracy_energy", "edge-28nm_energy", "edge-28nm_waterfall_1"),
    "compression": ("edge-28nm_accuracy_footprint", "edge-28nm_savings"),
    "speech": ("edge-28nm_accuracy_energy",),
    "hardware-1000": ("front", "map_energy_pj_per_sample"),
    "learning": ("split",),
}
RESULT = ("mnist-conv-w4", "edge-28nm", 200)
OF_RESULT = ("energy", "tornado", "spikes", "utilisation", "roofline", "latency")


def shrink(source: Path, name: str) -> None:
    """A small picture of few colours: some 20 KB."""
    with Image.open(source) as picture:
        scale = WIDTH / 1400
        small = picture.convert("RGB").resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
        )
    with replacing(GALLERY / name) as temporary:
        small.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            temporary, format="png", optimize=True
        )


def main(folder: Path) -> None:
    for study, figures in SHOWN.items():
        if not (folder / f"{study}.html").exists():
            neurosim.render_report(study, folder)
        for figure in figures:
            shrink(folder / f"{study}_{figure}.png", f"{study}_{figure}.png")
    workload, chip, samples = RESULT
    drawn = neurosim.draw(neurosim.simulate(workload, chip, samples=samples), folder)
    for name in OF_RESULT:
        shrink(drawn[name], f"result_{name}.png")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
