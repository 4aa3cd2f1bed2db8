"""The command that writes a starting file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    what: Annotated[str, typer.Argument(help="chip, study or workload.")],
    name: Annotated[str, typer.Argument(help="Its name; the file or folder is called so.")],
    kind: Annotated[
        str, typer.Option(help="Kind of a study: compare, or another that has a starting file.")
    ] = "compare",
    out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path("."),
) -> None:
    """Write a commented starting file that runs as it is; nothing is ever overwritten."""
    from neurosim.api.init import init as write

    for path in write(what, name, out, kind=kind):
        typer.echo(f"wrote  {path}")
    target = out / name if what == "workload" else out / f"{name}.yaml"
    typer.echo({
        "chip": f"try it:  neurosim run mnist-conv-w4 --chip {target}",
        "study": f"try it:  neurosim report {target} --out report",
        "workload": f"try it:  neurosim run {target} --chip edge-28nm",
    }[what])  # fmt: skip
