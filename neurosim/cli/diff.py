"""The command that takes the difference of two saved results apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.costs import JsonFlag, print_json
from neurosim.errors import NeurosimError


def diff(
    a: Annotated[Path, typer.Argument(help="A saved result.")],
    b: Annotated[Path, typer.Argument(help="Another.")],
    by: Annotated[
        str, typer.Option(help="Fields to group terms by: component, action, part, place, group (kind of place).")
    ] = "component,action,part",
    top: Annotated[int, typer.Option(help="Show this many terms.")] = 25,
    as_json: JsonFlag = False,
) -> None:
    """Take the difference of two results apart: how much is from counts and how much from constants, term by term."""
    from neurosim.result import Result
    from neurosim.study.diff import diff as difference

    if top < 1:
        raise NeurosimError(f"diff: got --top {top}, expected >= 1")
    fields = tuple(name.strip() for name in by.split(","))
    found = difference(Result.load(a), Result.load(b), fields)
    if as_json:
        print_json(found.to_json())
        return
    from neurosim.report.text import console
    from neurosim.report.text_diff import diff_text

    console().print(diff_text(found, top))
