"""Commands that set workloads side by side: a comparison, and a report from a study file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.costs import JsonFlag, check_writable, print_json, progress_bar


def compare(
    workloads: Annotated[list[str], typer.Argument(help="Shipped workloads, folders or files; two or more.")],
    chip: Annotated[str, typer.Option(help="A shipped chip or a chip file.")] = "edge-28nm",
    against: Annotated[str | None, typer.Option(help="ann: also the ANN twins.")] = None,
    samples: Annotated[int, typer.Option(help="At most this many samples, the same for all.")] = 200,
    timesteps: Annotated[int | None, typer.Option(help="Timesteps a sample; default: each workload's own.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of random encoders.")] = 0,
    capacity: Annotated[str, typer.Option(help="refuse what does not fit, or report by how much and run.")] = "refuse",
    waterfall: Annotated[
        list[str] | None, typer.Option(help="FIRST:SECOND, taken apart into quantise, prune, firing; may be repeated.")
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Runs at a time; default: one a CPU.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Draw all figures into this folder (PNG).")] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the table to this file.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare workloads on one chip: accuracy against energy, memory and latency; what bits save; where it goes."""
    from neurosim.api import compare as api_compare
    from neurosim.study.table import to_json, write_csv

    for folder in (plots, None if csv is None else csv.parent):
        if folder is not None:
            check_writable(folder)
    with progress_bar(not as_json) as progress:
        made = api_compare.compare_workloads(
            workloads, chip, samples=samples, timesteps=timesteps, seed=seed, capacity=capacity, against=against,
            waterfalls=_pairs(waterfall), processes=processes, progress=progress,
        )  # fmt: skip
    drawn = []
    if plots is not None:
        from neurosim.report.compare_plots import draw_comparison

        drawn = draw_comparison(made, plots)
    if csv is not None:
        write_csv(made, csv)
    if as_json:
        print_json({**to_json(made), "plots": [str(d.path) for d in drawn], "csv": None if csv is None else str(csv)})
        return
    from neurosim.report.text import console
    from neurosim.report.text_compare import compare_text

    console().print(compare_text(made))
    for figure in drawn:
        typer.echo(f"drawn  {figure.path}")
    if csv is not None:
        typer.echo(f"saved  {csv}")


def _pairs(texts: list[str] | None) -> list[tuple[str, str]] | None:
    """FIRST:SECOND as two names each."""
    from neurosim.errors import NeurosimError

    if not texts:
        return None
    pairs = []
    for text in texts:
        first, _, second = text.partition(":")
        if not (first and second):
            raise NeurosimError(f"--waterfall: got {text!r}, expected FIRST:SECOND, two of the workloads")
        pairs.append((first, second))
    return pairs


def report(
    what: Annotated[
        list[str], typer.Argument(help="A shipped study, a study file (.yaml), or saved results (.npz), one or more.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the page, the figures and the tables.")] = Path(
        "neurosim-reports"
    ),
    title: Annotated[str | None, typer.Option(help="Title of a page of results.")] = None,
    processes: Annotated[int | None, typer.Option(help="Runs of a study at a time; default: one a CPU.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write one HTML page that needs nothing else, figures (PNG, SVG, PDF) and tables, from a study or from results."""
    from neurosim.api.report import render_report, render_results
    from neurosim.errors import NeurosimError

    results = [name for name in what if name.endswith(".npz")]
    if not results and len(what) > 1:
        raise NeurosimError(f"report: got {len(what)} studies, expected one study, or result files (.npz)")
    if results and len(results) < len(what):
        other = next(name for name in what if name not in results)
        raise NeurosimError(f"report: {other!r} is no result file (.npz), and a study is rendered alone; leave it out")
    if title is not None and not results:
        raise NeurosimError("report: --title is for results; a study file has its own title")
    check_writable(out)
    if results:
        written = render_results(results, out, title=title)
    else:
        with progress_bar(not as_json) as progress:
            written = render_report(what[0], out, processes=processes, progress=progress)
    if as_json:
        print_json({key: [str(path) for path in paths] for key, paths in written.items()})
        return
    for path in written.pop("page"):
        typer.echo(f"page     {path}")
    for kind, paths in written.items():
        endings = ", ".join(sorted({path.suffix[1:].upper() for path in paths}))
        typer.echo(f"{kind:<8} {len(paths)} files ({endings}) in {out}" if paths else f"{kind:<8} none")
