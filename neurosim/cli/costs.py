"""Commands that set costs side by side, and what all commands share. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.errors import NeurosimError

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def show_found(found: dict[str, Any], written: list[Path], as_json: bool, text: Callable[[dict], Any]) -> None:
    """What a study found, for machines or as ``text`` makes it, and the files that hold it."""
    if as_json:
        print_json({**found, "files": [str(path) for path in written]})
        return
    from neurosim.report.text import console

    console().print(text(found))
    for path in written:
        typer.echo(f"wrote  {path}")


def print_json(value: object) -> None:
    """One object, indented; NaN is an error."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


@contextmanager
def progress_bar(enabled: bool) -> Iterator[object]:
    """A progress bar on stderr; yields a callback, or None when nobody is watching."""
    if not enabled or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from neurosim.report.text import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        tasks: dict[str, int] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done)

        yield update


def check_writable(folder: Path) -> None:
    """Fail before the work, not after it."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        reason = error.strerror
        raise NeurosimError(f"--out {folder}: {existing} cannot be written ({reason}); choose another") from error


def explain(
    result: Annotated[Path, typer.Argument(help="A saved result file.")],
    by: Annotated[str, typer.Option(help="Fields to group by: component, action, place, part.")] = "component,action",
    top: Annotated[int, typer.Option(help="Show this many lines.")] = 40,
    as_json: JsonFlag = False,
) -> None:
    """Take the energy apart: component, action, count x constant, and the constant's source."""
    from neurosim.result import Result

    fields = tuple(name.strip() for name in by.split(","))
    allowed = ("component", "action", "place", "part")
    unknown = [name for name in fields if name not in allowed]
    if unknown or top < 1:
        wrong = (
            f"--by {unknown[0]!r}, expected fields of {', '.join(allowed)}"
            if unknown
            else f"--top {top}, expected >= 1"
        )
        raise NeurosimError(f"explain: got {wrong}")
    loaded = Result.load(result)
    if as_json:
        leaves = [{**vars(leaf), "energy_pj": leaf.energy_pj} for leaf in loaded.energy.leaves]
        print_json({"total_pj": loaded.energy_pj, "leaves": leaves})
        return
    from neurosim.report.text import console, explain_text

    console().print(explain_text(loaded, fields, top))


def ann(
    workload: Annotated[str, typer.Argument(help="A shipped workload, or a folder with workload.yaml.")],
    array: Annotated[
        str, typer.Option(help="edge-28nm-8x8, -16x16 or -32x32, or zero-skip-28nm-8x16.")
    ] = "edge-28nm-16x16",
    samples: Annotated[int, typer.Option(help="At most this many samples.")] = 200,
    batch: Annotated[int, typer.Option(help="Samples that go through the network together.")] = 1,
    numbers: Annotated[
        str, typer.Option(help="int8, int4, float32, bits of weight x activation (4x3), or matched to the network.")
    ] = "int8",
    weights: Annotated[str, typer.Option(help="dram, or on_chip: a filter memory that holds them all.")] = "dram",
    as_json: JsonFlag = False,
) -> None:
    """Cost a workload's ANN twin on a systolic array: cycles, waiting, utilisation, energy."""
    from neurosim.api import runs as api

    cost = api.ann_on_array(workload, array, samples=samples, batch=batch, numbers=numbers, weights=weights)
    if as_json:
        print_json({key: value for key, value in cost.items() if key != "table"})
        return
    from neurosim.report.text import console
    from neurosim.report.text_array import array_text

    console().print(array_text(cost))


def conventions(
    source: Annotated[Path, typer.Argument(help="A saved result file, or a table of layers with rates (.csv).")],
    weight_bits: Annotated[float | None, typer.Option(help="Bits of a weight, for a table (it does not say).")] = None,
    input_bits: Annotated[int | None, typer.Option(help="Bits of an analog input, for a table.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Set a chip's energy beside what each published convention would claim for the same activity."""
    from neurosim.report.show import show_conventions

    plain, readable = show_conventions(source, weight_bits, input_bits)
    if as_json:
        print_json(plain)
        return
    from neurosim.report.text import console

    console().print(readable())


def neurobench(
    result: Annotated[Path, typer.Argument(help="A saved result file.")],
    as_json: JsonFlag = False,
) -> None:
    """Show NeuroBench's metrics of a run beside what the hardware did, each count with its definition."""
    from neurosim.report.show import show_neurobench

    plain, readable = show_neurobench(result)
    if as_json:
        print_json(plain)
        return
    from neurosim.report.text import console

    console().print(readable())
