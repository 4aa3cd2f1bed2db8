"""``neurosim breakeven``: where a spiking network costs what its ANN twin costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.costs import JsonFlag, print_json, progress_bar
from neurosim.errors import NeurosimError


def numbers(option: str, text: str, kind: type) -> tuple:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise NeurosimError(f"{option}: got {text!r}, expected numbers with commas between, like 1,2,4") from None


def breakeven(
    workloads: Annotated[
        list[str], typer.Argument(help="Trained workloads of one shape: the first gives the shape, all become points.")
    ],
    chip: Annotated[str, typer.Option(help="A shipped chip or a chip file.")] = "edge-28nm",
    timesteps: Annotated[str, typer.Option(help="Timesteps of the map.")] = "1,2,4,8,16,32",
    rates: Annotated[
        str, typer.Option(help="Firing rates of the map, spikes a neuron and timestep.")
    ] = "0.001,0.002,0.005,0.01,0.02,0.05,0.1,0.2,0.5,1",
    bits: Annotated[str, typer.Option(help="Weight widths, a panel each.")] = "1,2,4,8",
    batch: Annotated[int, typer.Option(help="Samples that share weights in the dense array with reuse.")] = 32,
    samples: Annotated[int, typer.Option(help="Samples of each trained workload.")] = 50,
    draws: Annotated[int, typer.Option(help="Random samples a value of the map.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of weights and spikes.")] = 0,
    plots: Annotated[Path | None, typer.Option(help="Also draw the map into this folder (PNG).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Map energy of SNN over energy of ANN over timesteps and firing rate, from simulated counts."""
    from neurosim.api import studies as api_studies
    from neurosim.study.break_even import Axes

    axes = Axes(numbers("--timesteps", timesteps, int), numbers("--rates", rates, float), numbers("--bits", bits, int))
    with progress_bar(not as_json) as progress:
        found = api_studies.break_even(
            workloads, chip, axes=axes, batch=batch, samples=samples, draws=draws, seed=seed, progress=progress
        )
    drawn = None
    if plots is not None:
        from neurosim.report.figure_break_even import break_even_figure

        plots.mkdir(parents=True, exist_ok=True)
        drawn = break_even_figure(found, plots / f"breakeven_{Path(found['workload']).stem}_{found['chip']}.png")
    if as_json:
        print_json({**found, "plots": [] if drawn is None else [str(drawn)]})
        return
    from neurosim.report.text import console
    from neurosim.report.text_break_even import break_even_text

    console().print(break_even_text(found))
    if drawn is not None:
        typer.echo(f"drawn  {drawn}")
