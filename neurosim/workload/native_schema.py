"""The header of the native model file, field by field, and strictly typed. docs/format.md is this in words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neurosim.errors import NeurosimError

FORMATS = ("neurosim-network/1", "neurosim-network/2", "neurosim-network/3")
Number = int | float
Pair = tuple[int, int]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LeakHeader(_Part):
    """`neurosim.snn.neuron.Leak`."""

    kind: str
    factor: float | int | None = None
    numerator: int | None = None
    shift: int | None = None
    amount: Number | None = None
    rounding: str = "floor"


class MembraneHeader(_Part):
    """How a membrane is stored. ``uniform`` is two's complement of ``bits``; ``scale`` says what one step stands for:
    ``frozen`` (the array ``unit``), ``none`` (nothing in particular). Others are refused by `_membrane` in words."""

    kind: str
    bits: int | None = None
    scale: str = "none"


class InputHeader(_Part):
    kind: Literal["input"]
    value_bits: int = 1
    ternary: bool = False


class RelayHeader(_Part):
    kind: Literal["relay"]
    graded: bool = False
    value_bits: int = 1


class LifHeader(_Part):
    """`neurosim.snn.neuron.Lif`; threshold, bias and v_init are arrays; the membrane is named in one of two ways."""

    kind: Literal["lif"]
    leak: LeakHeader
    has_threshold: bool
    decay_input: bool = False
    compare: str = ">="
    reset: str = "subtract"
    v_reset: Number = 0
    reset_delay: bool = False
    v_rest: Number = 0
    refractory: int = 0
    leak_first_step: bool = True
    membrane_bits: int | None = None
    membrane: MembraneHeader | None = None
    overflow: str = "saturate"
    current_keep: Number | None = None
    v_floor: Number | None = None
    max_spikes: int = 1
    ternary: bool = False


class PopulationHeader(_Part):
    name: str
    shape: Annotated[list[int], Field(min_length=1, max_length=8)]
    axis: str = "time"
    model: Annotated[InputHeader | RelayHeader | LifHeader, Field(discriminator="kind")]


class DenseHeader(_Part):
    kind: Literal["dense"]


class SparseHeader(_Part):
    kind: Literal["sparse"]


class ConvHeader(_Part):
    kind: Literal["conv"]
    stride: list[int]
    padding: list[int]
    dilation: list[int]
    groups: int


class PoolHeader(_Part):
    kind: Literal["pool"]
    mode: str
    size: list[int]
    stride: list[int]
    padding: list[int]


class IdentityHeader(_Part):
    kind: Literal["identity"]
    weight: Number


class AndPopcountHeader(_Part):
    """One operand of a product (`neurosim.snn.products`)."""

    kind: Literal["and_popcount"]
    heads: int
    operand: Literal["query", "key"]


class MaskedSumHeader(_Part):
    kind: Literal["masked_sum"]
    heads: int
    operand: Literal["mask", "value"]


class BatchNormHeader(_Part):
    """Normalisation that the writer left for the reader to fold: arrays gain, offset, mean and variance by channel."""

    eps: float = Field(1e-5, gt=0)


class ProjectionHeader(_Part):
    source: str
    target: str
    delay: int
    weight_shift: int
    port: str
    codec: dict[str, Any]
    connectivity: Annotated[
        DenseHeader | SparseHeader | ConvHeader | PoolHeader | IdentityHeader | AndPopcountHeader | MaskedSumHeader,
        Field(discriminator="kind"),
    ]
    layout: str | None = None
    residual: str | None = None
    batch_norm: BatchNormHeader | None = None


class ReadoutHeader(_Part):
    population: str
    kind: str = "count"


class CodingHeader(_Part):
    kind: str
    timesteps: int


class Header(_Part):
    """The whole header."""

    format: str
    name: str
    populations: list[PopulationHeader]
    projections: list[ProjectionHeader]
    readout: ReadoutHeader | None
    metadata: dict[str, str] = Field(default_factory=dict)
    coding: CodingHeader | None = None


_NEW = ("membrane", "residual", "batch_norm")


def parse_header(data: dict[str, Any], where: str) -> Header:
    """The header, checked. Raises NeurosimError naming file, field and what is wrong."""
    if data.get("format") not in FORMATS:
        raise NeurosimError(f"{where}: format {data.get('format')!r}, expected one of {', '.join(FORMATS)}")
    try:
        header = Header.model_validate(data)
    except ValidationError as error:
        first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        place = ".".join(str(part) for part in first["loc"])
        raise NeurosimError(f"{where}: header.{place}: {first['msg']}") from error
    signs = [p.name for p in header.populations if getattr(p.model, "ternary", False)]
    if signs and header.format != FORMATS[2]:
        raise NeurosimError(f"{where}: population {signs[0]!r} is ternary, which format 3 brought; say {FORMATS[2]!r}")
    products = [p for p in header.projections if isinstance(p.connectivity, AndPopcountHeader | MaskedSumHeader)]
    if products and header.format != FORMATS[2]:
        kind = products[0].connectivity.kind
        raise NeurosimError(f"{where}: header holds {kind!r}, which format 3 brought; say {FORMATS[2]!r}")
    if header.format == FORMATS[0]:
        parts = [p.model for p in header.populations] + list(header.projections)
        early = [n for n in _NEW for part in parts if getattr(part, n, None) is not None] + ["coding"] * bool(
            header.coding
        )
        if early:
            raise NeurosimError(f"{where}: header holds {early[0]!r}, which format 2 brought; say {FORMATS[1]!r}")
    return header
