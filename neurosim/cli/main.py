"""The commands `run`, `chips`, `validate` and the rest of the first hour. Heavy imports wait until needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurosim.cli.breakeven import breakeven
from neurosim.cli.compare import compare, report
from neurosim.cli.compress import prune, quantize
from neurosim.cli.costs import JsonFlag, ann, check_writable, conventions, explain, neurobench, print_json, progress_bar
from neurosim.cli.crossover import crossover
from neurosim.cli.dataflows import dataflows
from neurosim.cli.diff import diff
from neurosim.cli.explore import explore
from neurosim.cli.footprint import footprint
from neurosim.cli.init import init
from neurosim.cli.learn import learn
from neurosim.cli.sweep import sweep
from neurosim.errors import NeurosimError

if TYPE_CHECKING:
    from neurosim.result import Result

app = typer.Typer(
    name="neurosim",
    help="What would my spiking network really cost on a chip? Spikes, cycles and picojoules, each with its source.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _result_name(parameters: dict) -> str:
    keys = ("workload", "chip", "samples", "timesteps", "seed", "engine")
    workload, chip, samples, steps, seed, engine = (parameters[k] for k in keys)
    guess = "_estimate" if parameters.get("timing") == "estimate" else ""
    return f"{Path(str(workload)).stem}_{chip}_{samples}x{steps}_seed{seed}_{engine}{guess}.npz"


@app.command()
def run(
    workload: Annotated[
        str, typer.Argument(help="A shipped workload, a workload folder, or a model file (native or NIR).")
    ],
    chip: Annotated[str, typer.Option(help="A shipped chip or a chip file.")] = "loihi-2018",
    samples: Annotated[int, typer.Option(help="At most this many samples.")] = 200,
    timesteps: Annotated[
        int | None, typer.Option("--timesteps", "--steps", help="Timesteps a sample; default: the workload's own.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of random encoders.")] = 0,
    engine: Annotated[str, typer.Option(help="fast (numba) or reference (SimPy; same numbers, slowly).")] = "fast",
    mapping: Annotated[Path | None, typer.Option(help="Core map (.yaml or .npz) instead of the automatic one.")] = None,
    capacity: Annotated[str, typer.Option(help="refuse what does not fit, or report by how much and run.")] = "refuse",
    input: Annotated[
        Path | None, typer.Option(help="Data for a model file: .npy, .npz, .csv, .aedat4, .png, .jpg.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Labels (.npy, .npz) for a model file.")] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="How a NIR file runs: snntorch, spikingjelly, sinabs, norse, "
            "nir:dt=SECONDS; entries can be changed: NAME:KEY=VALUE."
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="How data become spikes: direct, rate, latency, delta ...; NAME:KEY=VALUE (docs/encoders.md)."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the result file.")] = Path("neurosim-results"),
    trace: Annotated[Path | None, typer.Option(help="Also write a timeline (.json or .json.gz) for Perfetto.")] = None,
    trace_sample: Annotated[int, typer.Option(help="Sample of the timeline.")] = 0,
    trace_steps: Annotated[str | None, typer.Option(help="Timesteps of the timeline, FIRST:LAST; default all.")] = None,
    network_samples: Annotated[
        int | None, typer.Option(help="Samples whose every packet is noted, for latencies; default up to 4.")
    ] = None,
    timing: Annotated[str, typer.Option(help="cycle, or estimate: faster, exact counts, rough cycles.")] = "cycle",
    synapse_unit: Annotated[
        str | None, typer.Option(help="Put every connection on this unit of the cores: dense, sparse or conv.")
    ] = None,
    neurobench: Annotated[
        bool, typer.Option("--neurobench", help="Count MembraneUpdates too, and print NeuroBench's metrics.")
    ] = False,
    plots: Annotated[Path | None, typer.Option(help="Also draw energy and link load into this folder (PNG).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a trained network on a chip and report accuracy, cycles, memory and energy."""
    from neurosim.api import runs as api

    check_writable(out)
    for folder in (None if trace is None else trace.parent, plots):
        if folder is not None:
            check_writable(folder)
    with progress_bar(not as_json) as progress:
        result = api.simulate(
            workload, chip, samples=samples, timesteps=timesteps, seed=seed, engine=engine, mapping=mapping,
            capacity=capacity, input=input, labels=labels, profile=profile, encoder=encoder, progress=progress,
            trace=trace, trace_sample=trace_sample, trace_steps=_steps(trace_steps), network_samples=network_samples,
            timing=timing, synapse_unit=synapse_unit, neurobench=neurobench,
        )  # fmt: skip
    saved = result.save(out / _result_name(result.provenance["parameters"]))
    drawn = _draw(result, plots, saved.stem)
    if as_json:
        print_json({**result.to_json(), "saved": str(saved), "plots": [str(path) for path in drawn]})
        return
    from neurosim.report.text import console, result_text

    console().print(result_text(result, saved))
    if neurobench:
        from neurosim.report.text_neurobench import neurobench_text

        console().print(neurobench_text(result))
    for path in drawn:
        typer.echo(f"drawn  {path}")
    if trace is not None:
        typer.echo(f"trace  {trace}  (open it at ui.perfetto.dev)")


def _draw(result: Result, folder: Path | None, stem: str) -> list[Path]:
    """Figures of a result; none where no folder was asked for."""
    if folder is None:
        return []
    from neurosim.report import figures

    folder.mkdir(parents=True, exist_ok=True)
    title = f"{result.workload} on {result.chip}, {result.samples} samples"
    drawn = [figures.energy_by_component([result], folder / f"{stem}_energy.png", title)]
    if result.network and result.network["links"]:
        drawn.append(figures.link_load(result, folder / f"{stem}_links.png", title))
    return drawn


def _steps(text: str | None) -> tuple[int, int] | None:
    """FIRST:LAST as two numbers."""
    if text is None:
        return None
    first, colon, last = text.partition(":")
    if not (colon and first.isdigit() and last.isdigit()):
        raise NeurosimError(f"--trace-steps: got {text!r}, expected FIRST:LAST, for example 0:2")
    return int(first), int(last)


@app.command("list")
def list_command(
    kind: Annotated[str, typer.Argument(help="workloads or chips; both if left out.")] = "all",
    as_json: JsonFlag = False,
) -> None:
    """List the shipped workloads and chips."""
    if kind not in ("all", "workloads", "chips"):
        raise NeurosimError(f"list: got {kind!r}, expected workloads or chips")
    listing: dict[str, list[dict[str, str]]] = {}
    if kind != "chips":
        from neurosim.workload.workload import data_root, list_workloads, read_workload_file

        files = ((name, read_workload_file(data_root("workloads") / name)) for name in list_workloads())
        listing["workloads"] = [{"name": name, "title": spec.title} for name, spec in files]
    if kind != "workloads":
        from neurosim.arch import list_chips, load_chip

        listing["chips"] = [{"name": name, "title": load_chip(name).title} for name in list_chips()]
    if as_json:
        print_json(listing)
        return
    for title, rows in listing.items():
        typer.secho(title, bold=True)
        width = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            typer.echo(f"  {row['name']:<{width}}  {row['title']}")


@app.command()
def show(
    kind: Annotated[str, typer.Argument(help="chip, workload or result.")],
    name: Annotated[str, typer.Argument(help="Its name or file.")],
    as_json: JsonFlag = False,
) -> None:
    """Show a chip, a workload's card or a saved result."""
    from neurosim.report import show as views

    makers = {"chip": views.show_chip, "workload": views.show_workload, "result": views.show_result}
    if kind not in makers:
        raise NeurosimError(f"show: got {kind!r}, expected one of {', '.join(makers)}")
    plain, readable = makers[kind](name)
    if as_json:
        print_json(plain)
        return
    from neurosim.report.text import console

    console().print(readable())


@app.command()
def export(
    workload: Annotated[str, typer.Argument(help="A shipped workload, a workload folder or a native model file.")],
    file: Annotated[Path, typer.Argument(help="The NIR file to write.")],
    dt: Annotated[float, typer.Option(help="Seconds a timestep stands for.")] = 1e-4,
) -> None:
    """Write a float network as a NIR file, with the profile to read it back by."""
    from neurosim.api import runs as api

    api.to_nir(workload, file, dt)
    typer.echo(f"saved  {file}")


@app.command()
def validate(
    kind: Annotated[
        str,
        typer.Argument(
            help="chips: published powers. conventions: energies that papers print. noc: runs of a network-on-chip "
            "simulator. rtl: recorded cycles of event chips. sizes: published model sizes. spikes: what a framework "
            "recorded of its own network. "
            "sram: memories left out of a table. systolic: runs of an array simulator."
        ),
    ],
    path: Annotated[Path, typer.Argument(help="The witness: a file, or a folder of them.")],
    engine: Annotated[str, typer.Option(help="fast, reference or both.")] = "both",
    as_json: JsonFlag = False,
) -> None:
    """Hold the model to files that others produced: a line a case, a summary; exit code 1 on any miss."""
    from neurosim.validation import validate as verdicts
    from neurosim.validation.case import MISS, SKIPPED, summary

    cases = []
    for case in verdicts(kind, path, engine):
        cases.append(case)
        if not as_json:
            typer.echo(case.line())
    counts = summary(cases)
    if as_json:
        listing = [vars(case) for case in cases]
        print_json({"kind": kind, "path": str(path), "engine": engine, "summary": counts, "cases": listing})
    else:
        typer.secho(", ".join(f"{n} {verdict}" for verdict, n in counts.items()), bold=True)
    if counts[SKIPPED] == len(cases):
        raise NeurosimError(f"{path}: nothing in it can be compared; the reason stands behind each line")
    if counts[MISS]:
        raise typer.Exit(1)


app.command()(explain)
app.command()(ann)
app.command()(conventions)
app.command()(compare)
app.command()(report)
app.command()(diff)
app.command()(init)
app.command()(explore)
app.command()(quantize)
app.command()(prune)
app.command()(footprint)
app.command()(breakeven)
app.command()(crossover)
app.command()(dataflows)
app.command()(neurobench)
app.command()(learn)
app.command()(sweep)


INTERRUPTED = 130


def main() -> None:
    """Entry point: a user's mistake is one clear line and exit code 2, never a traceback."""
    try:
        app(standalone_mode=True)
    except NeurosimError as error:
        typer.secho(f"neurosim: {error}", fg=typer.colors.RED, err=True)
        sys.exit(2)
    except SystemExit as end:
        # The parser turns Ctrl-C into this exit status without a word.
        if end.code == INTERRUPTED:
            typer.echo("neurosim: interrupted; no half-written file is left", err=True)
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
