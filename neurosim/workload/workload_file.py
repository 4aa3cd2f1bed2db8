"""``workload.yaml``: its schema, and finding the shipped ones."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neurosim.data_files import data_root
from neurosim.errors import NeurosimError

MAX_YAML_BYTES = 1 << 20


class EncoderSpec(BaseModel):
    """How the data become spikes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str = "rate_deterministic"
    timesteps: int = Field(ge=1, le=100_000)


class WorkloadFile(BaseModel):
    """The schema of ``workload.yaml``. File names are relative to its folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    title: str
    model: str
    data: str
    ann: str | None = None
    encoder: EncoderSpec
    readout: dict[str, str] | None = None
    card: dict[str, Any] = Field(default_factory=dict)


def list_workloads() -> list[str]:
    """Names of the shipped workloads, sorted."""
    return sorted(path.parent.name for path in data_root("workloads").glob("*/workload.yaml"))


def read_workload_file(folder: Path) -> WorkloadFile:
    """Read and check ``folder/workload.yaml``; no model or data is opened."""
    path = folder / "workload.yaml"
    try:
        if path.stat().st_size > MAX_YAML_BYTES:
            raise NeurosimError(f"{path}: {path.stat().st_size} bytes, expected at most {MAX_YAML_BYTES}")
        content = yaml.safe_load(path.read_text("utf-8"))
        return WorkloadFile.model_validate(content)
    except OSError as error:
        raise NeurosimError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NeurosimError(f"{path}: not valid YAML ({error})") from error
    except ValidationError as error:
        raise NeurosimError(_explain(path, error)) from error


def _explain(path: Path, error: ValidationError) -> str:
    # A misspelt key comes before the missing one it leaves behind.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"]) or "file"
    known = list(WorkloadFile.model_fields) + list(EncoderSpec.model_fields)
    hint = difflib.get_close_matches(str(first["loc"][-1]) if first["loc"] else "", known, n=1)
    tail = f"; did you mean {hint[0]!r}?" if first["type"] == "extra_forbidden" and hint else ""
    return f"{path}: {where}: {first['msg']}{tail}"
