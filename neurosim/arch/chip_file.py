"""What every chip file begins with, whatever its execution, and where its numbers were taken from."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.arch.origins import check_origins
from neurosim.arch.part import Part, PositiveFloat, Source


class Clock(Part):
    """The quantum of time: the clock period of a synchronous chip, a fine step for an asynchronous one."""

    quantum_ps: PositiveFloat
    synchronous: bool


class ChipFile(Part):
    """``origins`` says which source a field (and all below it) was taken from; ``assumptions`` why a field has the
    value it has where no source gives one."""

    format: Literal["neurosim-chip/1"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
    title: str
    description: str = ""
    sources: dict[str, Source]
    origins: dict[str, Source] = Field(default_factory=dict)
    assumptions: dict[str, str] = Field(default_factory=dict)
    clock: Clock

    @model_validator(mode="after")
    def _traced(self) -> ChipFile:
        check_origins(self, self.origins, self.sources)
        return self

    def content_hash(self) -> str:
        """SHA-256 of the description."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()
