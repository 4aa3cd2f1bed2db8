"""The command that runs a sweep. Heavy imports wait until it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.costs import JsonFlag, check_writable, print_json, progress_bar


def sweep(
    study: Annotated[str, typer.Argument(help="A shipped study of kind sweep, or a study file (.yaml).")],
    store: Annotated[Path, typer.Option(help="Folder that keeps the rows; a sweep goes on where it stopped.")] = Path(
        "neurosim-sweeps"
    ),
    processes: Annotated[int | None, typer.Option(help="Processes at a time; default: one a CPU.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler (tcp://host:8786) whose workers run the points.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write all rows to this file.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run every point of a sweep that is not in the store yet; rows as Parquet. Can be stopped and started again."""
    from neurosim.api.sweep import sweep as run

    check_writable(store)
    if csv is not None:
        check_writable(csv.parent)
    with progress_bar(not as_json) as progress:
        frame = run(
            study, store, processes=processes, cluster=cluster, progress=progress,
            say=lambda line: typer.echo(line, err=True),
        )  # fmt: skip
    if csv is not None:
        from neurosim.files import replacing

        with replacing(csv) as temporary:
            frame.to_csv(temporary, index=False)
    failed = frame[frame["error"].notna()]
    told = {
        "title": frame.attrs["title"], "points": len(frame), "failed": len(failed),
        "errors": failed["error"].value_counts().head(10).to_dict(),
        "rows": str(Path(frame.attrs["store"]) / "points.parquet"), "csv": None if csv is None else str(csv),
    }  # fmt: skip
    if as_json:
        print_json(told)
        return
    from neurosim.report.text import console
    from neurosim.report.text_sweep import sweep_text

    console().print(sweep_text(frame))
    for reason, count in told["errors"].items():
        typer.echo(f"failed {count} x  {reason}")
    typer.echo(f"rows   {told['rows']}")
    if csv is not None:
        typer.echo(f"saved  {csv}")
