"""``neurosim dataflows``: membranes in memory, in a register, or worked out from the history of spikes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.breakeven import numbers
from neurosim.cli.costs import JsonFlag, progress_bar, show_found


def dataflows(
    workload: Annotated[
        str, typer.Argument(help="A workload whose neurons never reset, as mnist-conv-mfp-w1-history.")
    ],
    chip: Annotated[str, typer.Option(help="A chip with execution 'layer'.")] = "edge-28nm-layer",
    stored: Annotated[
        list[str] | None, typer.Option(help="Another workload, run with its membranes in memory; may be repeated.")
    ] = None,
    timesteps: Annotated[str, typer.Option(help="Timesteps a sample.")] = "2,4,8,16",
    samples: Annotated[int, typer.Option(help="Samples of each run.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of random encoders.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Also write figure and table into this folder (PNG, CSV).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """What remembering costs: membrane traffic and energy of three dataflows over the number of timesteps."""
    from neurosim.api import studies as api_studies

    with progress_bar(not as_json) as progress:
        found = api_studies.dataflows(
            workload, chip, stored=stored or [], timesteps=numbers("--timesteps", timesteps, int), samples=samples,
            seed=seed, progress=progress,
        )  # fmt: skip
    written = []
    if out is not None:
        from neurosim.report.figure_dataflows import dataflows_csv, dataflows_figure

        out.mkdir(parents=True, exist_ok=True)
        stem = out / f"dataflows_{Path(found['workload']).stem}_{found['chip']}"
        written = [dataflows_figure(found, stem.with_suffix(".png")), dataflows_csv(found, stem.with_suffix(".csv"))]
    from neurosim.report.text_dataflows import dataflows_text

    show_found(found, written, as_json, dataflows_text)
