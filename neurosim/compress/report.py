"""What quantising or pruning did, layer by layer: plain rows, a table, and totals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class CompressionReport:
    """``projections`` and ``populations``: one row (a dict of plain values) for each that has weights or a membrane.

    Errors of weights are in real units (``max_error``, ``rms_error``); ``sqnr_db`` is 10 log10(sum w^2 / sum e^2), None
    where nothing was lost or all weights are zero. ``notes`` are sentences on what the user should know, ``parameters``
    what was asked for or found (the ``clip`` that ``auto`` chose).
    """

    kind: str
    projections: list[dict[str, Any]]
    populations: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def weight_bits(self) -> tuple[int, int]:
        """Bits of all weights (codebooks included) before and after."""
        return tuple(sum(row[key] for row in self.projections) for key in ("bits_before", "bits_after"))

    @property
    def membrane_bits(self) -> tuple[int, int]:
        """Bits of all membranes before and after."""
        return tuple(sum(row[key] for row in self.populations) for key in ("bits_before", "bits_after"))

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {
            "kind": self.kind, "projections": self.projections, "populations": self.populations,
            "weight_bits": list(self.weight_bits), "membrane_bits": list(self.membrane_bits), "notes": self.notes,
            "parameters": self.parameters,
        }  # fmt: skip

    def table(self):
        """The projections as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.projections)


def weight_row(before: np.ndarray, after: np.ndarray) -> dict[str, float | int | None]:
    """Errors of real weights ``after`` against ``before``, both flat float64, and the share of zeros."""
    error = after - before
    power, lost = float(before @ before), float(error @ error)
    n = max(1, before.size)
    return {
        "weights": int(before.size),
        "max_error": float(np.abs(error).max(initial=0.0)),
        "rms_error": float(np.sqrt(lost / n)),
        "sqnr_db": float(10 * np.log10(power / lost)) if lost > 0 and power > 0 else None,
        "zero_share_before": float((before == 0).mean()) if before.size else 0.0,
        "zero_share_after": float((after == 0).mean()) if after.size else 0.0,
    }


def codec_bits(codec, count: int) -> int:
    """Bits that ``count`` weights take, with the table of a codebook."""
    return round(codec.bits * count) + getattr(codec, "table_bits", 0)


def codec_name(codec) -> str:
    """``int4``, ``odd4``, ``ternary``, ``sign``, ``codebook16x9`` or ``float32``."""
    if codec.kind == "int":
        return f"{'odd' if codec.grid == 'odd' else 'int'}{codec.width_bits}"
    if codec.kind == "codebook":
        return f"codebook{len(codec.table)}x{codec.word_length}"
    return "sign" if codec.kind == "binary" else codec.kind
