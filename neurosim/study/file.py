"""Study files: what to run and set side by side, as plain data that is checked before anything runs."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from neurosim.arch.yaml_file import YamlError, read_yaml
from neurosim.data_files import data_root
from neurosim.errors import NeurosimError
from neurosim.study.base import Name, Study
from neurosim.study.explore.file import ExploreStudy
from neurosim.study.learn.file import LearnStudy
from neurosim.study.sweep.file import SweepStudy
from neurosim.workload.workload import list_workloads

FORMAT = "neurosim-study/1"


class CompareStudy(Study):
    """``kind: compare``: workloads on each of the chips, one comparison a chip.

    ``waterfalls`` are pairs of workload names (as in ``workloads``, or the names that their files give).
    """

    kind: Literal["compare"]
    chips: Annotated[list[Name], Field(min_length=1, max_length=16)]
    workloads: Annotated[list[Name], Field(min_length=1, max_length=200)]
    samples: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    timesteps: Annotated[int, Field(ge=1, le=100_000)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    capacity: Literal["refuse", "report"] = "refuse"
    against: Literal["ann"] | None = None
    waterfalls: Annotated[list[Annotated[list[Name], Field(min_length=2, max_length=2)]], Field(max_length=40)] = Field(
        default_factory=list
    )


KINDS: dict[str, type[Study]] = {
    "compare": CompareStudy,
    "learn": LearnStudy,
    "sweep": SweepStudy,
    "explore": ExploreStudy,
}


@dataclass(frozen=True)
class StudyFile:
    """A study, where it was read from, and the file as it stands."""

    path: Path
    study: Study
    source: str

    @property
    def sha256(self) -> str:
        """Of the file's text."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def _repr_html_(self) -> str:
        head = f"<h4>{escape(self.study.title)}</h4><p>{escape(self.study.text)}</p>"
        content = f"<summary>{escape(self.path.name)}</summary><pre>{escape(self.source)}</pre>"
        return f"<div>{head}<details>{content}</details></div>"

    def find(self, name: str, shipped: list[str]) -> str:
        """A shipped name as it is; else the path from the folder of the study file, if there is something."""
        beside = self.path.parent / name
        return name if name in shipped or not beside.exists() else str(beside)

    def workloads(self, names: list[str]) -> list[str]:
        """Names or paths as `load_workload` takes them."""
        shipped = list_workloads()
        return [self.find(name, shipped) for name in names]


def list_studies() -> list[str]:
    """Names of the shipped studies, sorted."""
    return sorted(path.stem for path in data_root("reports").glob("*.yaml"))


def load_study(name_or_path: str) -> StudyFile:
    """A shipped study by name, or a study file by path. Raises NeurosimError naming file, key and what was expected."""
    path = Path(name_or_path)
    if not path.is_file() and name_or_path in list_studies():
        path = data_root("reports") / f"{name_or_path}.yaml"
    try:
        data = read_yaml(path)
        source = path.read_text("utf-8")
    except YamlError as error:
        raise NeurosimError(f"{path}: {error}") from None
    except (OSError, ValueError) as error:
        close = difflib.get_close_matches(name_or_path, list_studies(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; shipped: {', '.join(list_studies())}"
        reason = getattr(error, "strerror", None) or "not a path"
        raise NeurosimError(f"study {name_or_path!r}: cannot be read ({reason}){hint}") from None
    if not isinstance(data, dict):
        raise NeurosimError(
            f"{path}: holds {type(data).__name__}, expected a mapping that begins with 'format: {FORMAT}'"
        )
    model = KINDS.get(str(data.get("kind")))
    if model is None:
        said = f"got {str(data['kind'])[:80]!r}" if "kind" in data else "missing"
        raise NeurosimError(f"{path}: kind: {said}; expected one of {', '.join(KINDS)}")
    try:
        return StudyFile(path, model.model_validate(data), source)
    except ValidationError as error:
        raise NeurosimError(_explain(path, model, error)) from None


def _explain(path: Path, model: type[Study], error: ValidationError) -> str:
    """One line; a misspelt key comes before the missing one that it leaves behind."""
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"]) or "file"
    if first["type"] == "extra_forbidden":
        known = list(model.model_fields)
        close = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        return f"{path}: {where}: unknown key; {hint}"
    if first["type"] == "missing":
        return f"{path}: {where}: missing; add it (see reports/compression.yaml)"
    message = first["msg"].removeprefix("Value error, ")
    return f"{path}: {where}: got {repr(first['input'])[:80]}, {message[0].lower()}{message[1:]}"
