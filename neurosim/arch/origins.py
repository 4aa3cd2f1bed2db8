"""Where the numbers of a chip file were taken from."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from neurosim.arch.part import Part


def check_origins(chip: Part, origins: Mapping[str, str], sources: Mapping[str, str]) -> None:
    """Raises ValueError for an origin that names no listed source, or a field that does not exist."""
    for path, name in origins.items():
        if name not in sources:
            raise ValueError(f"origins.{path}: got {name!r}, which sources does not list; add it with its citation")
    for path in origins:
        part: object = chip
        for step in path.split("."):
            known = type(part).model_fields if isinstance(part, Part) else {}
            if step not in known:
                close = difflib.get_close_matches(step, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"known fields there: {', '.join(known) or 'none'}"
                raise ValueError(f"origins.{path}: no such field of the chip; {hint}")
            part = getattr(part, step)
