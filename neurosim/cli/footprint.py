"""``neurosim footprint``: the bits of a network as a chip stores them. Heavy imports wait until it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.costs import JsonFlag, print_json
from neurosim.errors import NeurosimError


def footprint(
    workload: Annotated[
        str, typer.Argument(help="A shipped workload, a workload folder, or a model file (native or NIR).")
    ],
    chip: Annotated[str, typer.Option(help="A shipped chip or a chip file.")] = "loihi-2018",
    layout: Annotated[
        str | None,
        typer.Option(help="Write weights as dense, csr, bitmap, run_length, codebook, best or by_kind."),
    ] = None,
    timesteps: Annotated[int | None, typer.Option(help="Timesteps a sample, for layer chips' buffers.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="Core map (.yaml or .npz) instead of the automatic one.")] = None,
    profile: Annotated[str | None, typer.Option(help="How a NIR file runs, as in neurosim run.")] = None,
    where: Annotated[bool, typer.Option(help="Try the other shipped chips, layouts and widths too.")] = True,
    plots: Annotated[Path | None, typer.Option(help="Also draw the footprint into this folder (PNG).")] = None,
    output: Annotated[Path | None, typer.Option(help="Also draw the footprint to this file (PNG).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show every bit that a network stores on a chip, by layer and core, and where else it would fit."""
    from neurosim.api import studies as api_studies

    if output is not None and output.suffix.lower() != ".png":
        raise NeurosimError(f"--output {output}: expected a name that ends in .png")
    found, tried = api_studies.footprint(
        workload, chip, layout=layout, timesteps=timesteps, profile=profile, mapping=mapping, where=where
    )
    wanted = [] if output is None else [output]
    if plots is not None:
        wanted.append(plots / f"{Path(workload).stem}_{found.chip.name}_footprint.png")
    for path in wanted:
        from neurosim.report.figure_footprint import draw_footprint

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_footprint(found, tried, path)
        except OSError as error:
            raise NeurosimError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    if as_json:
        plain = {**found.to_json(), "where": [trial.to_json() for trial in tried], "plots": [str(p) for p in wanted]}
        print_json(plain)
        return
    from neurosim.report.text import console
    from neurosim.report.text_footprint import footprint_text

    console().print(footprint_text(found, tried))
    for path in wanted:
        typer.echo(f"drawn  {path}")
