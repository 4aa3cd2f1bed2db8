"""What every study file says first. Each kind adds its own keys in a file of its own (`neurosim.study.file.KINDS`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_TEXT = 4000
Name = Annotated[str, Field(min_length=1, max_length=300)]


class Study(BaseModel):
    """Format, kind, title and a text for the reader."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    format: Literal["neurosim-study/1"]
    kind: str
    title: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
