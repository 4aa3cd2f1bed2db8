"""``neurosim crossover``: where reusing a codebook's codewords beats decoding them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.breakeven import numbers
from neurosim.cli.costs import JsonFlag, progress_bar, show_found


def crossover(
    workloads: Annotated[
        list[str] | None, typer.Argument(help="Trained workloads whose codebook layers become points of the map.")
    ] = None,
    chip: Annotated[
        str, typer.Option(help="A chip with execution 'layer' and a partial_map_buffer.")
    ] = "edge-28nm-layer-reuse",
    rates: Annotated[str, typer.Option(help="Firing rates, spikes a neuron and timestep.")] = (
        "0.01,0.02,0.05,0.1,0.2,0.3,0.5,1"
    ),
    widths: Annotated[str, typer.Option(help="Output channels of the layer.")] = "16,32,64,128,256,512",
    codewords: Annotated[str, typer.Option(help="Codewords of the codebook, a panel each.")] = "16,32,64",
    channels: Annotated[int, typer.Option(help="Input channels of the layer.")] = 8,
    timesteps: Annotated[int, typer.Option(help="Timesteps of every random spike map.")] = 8,
    samples: Annotated[int, typer.Option(help="Samples of each trained workload.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of kernels and spikes.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Also write the map into this folder (PNG and CSV).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Map decode over reuse of a codebook convolution over firing rate and width, from simulated counts."""
    from neurosim.api import studies as api_studies
    from neurosim.study.crossover import CrossoverAxes

    axes = CrossoverAxes(
        numbers("--rates", rates, float), numbers("--widths", widths, int), numbers("--codewords", codewords, int),
        channels, timesteps=timesteps,
    )  # fmt: skip
    with progress_bar(not as_json) as progress:
        found = api_studies.crossover(
            workloads or [], chip, axes=axes, samples=samples, seed=seed, progress=progress
        )  # fmt: skip
    written = []
    if out is not None:
        from neurosim.report.figure_crossover import crossover_csv, crossover_figure

        out.mkdir(parents=True, exist_ok=True)
        stem = out / f"crossover_{found['chip']}"
        written = [crossover_figure(found, stem.with_suffix(".png")), crossover_csv(found, stem.with_suffix(".csv"))]
    from neurosim.report.text_crossover import crossover_text

    show_found(found, written, as_json, crossover_text)
