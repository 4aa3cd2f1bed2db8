"""A matrix product on a systolic array: cycles and memory words, in closed form.

A layer is the product of (M, K) activations (the ifmap: M output pixels or samples) and (K, N) weights (the filter). On
R rows by C columns one operand stays and the others move, and the product is cut into folds:

    dataflow   stays     on rows   on columns   streamed T   cycles of a fold
    os         outputs   M         N            K            K + R + C - 2
    ws         weights   K         N            M            R + M + R + C - 2
    is         inputs    K         M            N            R + N + R + C - 2

Folds follow one another without overlap and a fold that is not full takes as long as a full one: this is the schedule
of SCALE-Sim 3.0.0, which `neurosim validate systolic` holds it to. With ``overlapped`` the operand that stays is
loaded behind the fold before (a second register in every element), so that only the first fold pays its R cycles.
`neurosim.baseline.systolic_walk` is the specification: it walks the folds, and moves the data through the array.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.errors import NeurosimError

DATAFLOWS = ("os", "ws", "is")


@dataclass(frozen=True)
class Gemm:
    """A product of (m, k) by (k, n); ``m`` counts output pixels times samples."""

    m: int
    n: int
    k: int

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise NeurosimError(f"gemm.{name}: got {value}, expected at least 1")

    @property
    def macs(self) -> int:
        return self.m * self.n * self.k


@dataclass(frozen=True)
class Array:
    """``rows`` x ``columns`` processing elements, one multiply-accumulate each a cycle."""

    rows: int
    columns: int
    dataflow: str = "ws"
    overlapped: bool = False

    def __post_init__(self) -> None:
        if self.dataflow not in DATAFLOWS:
            raise NeurosimError(f"array.dataflow: got {self.dataflow!r}, expected one of {', '.join(DATAFLOWS)}")
        for name in ("rows", "columns"):
            if getattr(self, name) < 1:
                raise NeurosimError(f"array.{name}: got {getattr(self, name)}, expected at least 1")

    @property
    def elements(self) -> int:
        return self.rows * self.columns

    def mapped(self, gemm: Gemm) -> tuple[int, int, int]:
        """What lies on the rows, on the columns, and the length streamed past them."""
        return {
            "os": (gemm.m, gemm.n, gemm.k), "ws": (gemm.k, gemm.n, gemm.m), "is": (gemm.k, gemm.m, gemm.n)
        }[self.dataflow]  # fmt: skip

    def folds(self, gemm: Gemm) -> tuple[int, int]:
        """Folds along rows and along columns."""
        on_rows, on_columns, _ = self.mapped(gemm)
        return -(-on_rows // self.rows), -(-on_columns // self.columns)

    def fold_cycles(self, gemm: Gemm) -> tuple[int, int]:
        """Cycles to load what stays, and to stream the rest through and out."""
        streamed = self.mapped(gemm)[2]
        load = 0 if self.dataflow == "os" else self.rows
        return load, streamed + self.rows + self.columns - 2


@dataclass(frozen=True)
class Counts:
    """What one product costs an array. Words of each on-chip memory; a partial sum is a word of the ofmap.

    ``sum_writes`` holds every partial sum of every fold along K, ``sum_reads`` their reading back (the first fold adds
    to nothing). ``mapping_efficiency`` is the mean share of elements that hold something, ``utilisation`` the share
    of element-cycles that multiply; both 0 to 1.
    """

    cycles: int
    folds: int
    ifmap_reads: int
    filter_reads: int
    sum_writes: int
    sum_reads: int
    macs: int
    mapping_efficiency: float
    utilisation: float


def count_product(gemm: Gemm, array: Array) -> Counts:
    """All counts of one product on an array whose memories never make it wait."""
    along_rows, along_columns = array.folds(gemm)
    folds = along_rows * along_columns
    load, stream = array.fold_cycles(gemm)
    cycles = (load if array.overlapped else folds * load) + folds * stream
    m, n, k = gemm.m, gemm.n, gemm.k
    on_rows, on_columns, _ = array.mapped(gemm)
    reduction_folds = 1 if array.dataflow == "os" else along_rows
    reads = {
        "os": (m * k * along_columns, k * n * along_rows),
        "ws": (m * k * along_columns, k * n),
        "is": (m * k, k * n * along_columns),
    }[array.dataflow]
    return Counts(
        cycles=cycles,
        folds=folds,
        ifmap_reads=reads[0],
        filter_reads=reads[1],
        sum_writes=m * n * reduction_folds,
        sum_reads=m * n * (reduction_folds - 1),
        macs=gemm.macs,
        mapping_efficiency=on_rows * on_columns / (folds * array.elements),
        utilisation=gemm.macs / (cycles * array.elements),
    )
