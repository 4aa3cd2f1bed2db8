"""The command that searches for the best trade-offs. Heavy imports wait until it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.costs import JsonFlag, check_writable, print_json, progress_bar


def explore(
    study: Annotated[str, typer.Argument(help="A study of kind explore: a shipped name or a file (.yaml).")],
    store: Annotated[Path, typer.Option(help="Folder that keeps the trials; it goes on where it stopped.")] = Path(
        "neurosim-explorations"
    ),
    processes: Annotated[int, typer.Option(help="Processes at a time.")] = 1,
    plots: Annotated[Path | None, typer.Option(help="Draw the fronts into this folder after every batch.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Search for the points that no other beats in all objectives; can be stopped and started again."""
    from neurosim.api.explore import explore as run
    from neurosim.report.figure_sweep import good, on_front
    from neurosim.study.explore.run import sides
    from neurosim.study.file import load_study

    for folder in (store, *([] if plots is None else [plots])):
        check_writable(folder)
    file = load_study(study)
    with progress_bar(not as_json) as progress:
        frame = run(file, store, processes=processes, progress=progress, plots=plots)
    small, large = sides(file.study)
    best = frame[on_front(frame, small, large)]
    shown = ["trial", *frame.attrs["axes"], *small, *large]
    front = [{c: v.item() if hasattr(v, "item") else v for c, v in row.items()} for _, row in best[shown].iterrows()]
    if as_json:
        print_json({
            "title": file.study.title, "trials": len(frame), "with_figures": len(good(frame)), "front": front,
            "store": frame.attrs["store"],
        })  # fmt: skip
        return
    from neurosim.report.text import console, new_table

    made = new_table(f"{file.study.title}: the front", *((name, "right") for name in shown))
    for row in front:
        made.add_row(*(f"{v:.5g}" if isinstance(v, float) else str(v) for v in row.values()))
    console().print(made)
    typer.echo(f"{len(frame)} trials, {len(good(frame))} with figures, {len(front)} on the front")
    typer.echo(f"kept   {frame.attrs['store']}")
