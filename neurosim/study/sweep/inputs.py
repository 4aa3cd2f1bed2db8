"""What a sweep reads from files, read once and named by content: chips as data, workloads by hash.

A worker on another machine finds a workload by its name and must find the same one; the chips travel as data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from neurosim import __version__
from neurosim.arch import Chip, EventChip, LayerChip, PhaseChip
from neurosim.arch.loader import ChipError, chip_from_data, list_chips, load_chip
from neurosim.arch.yaml_file import YamlError, read_yaml
from neurosim.data_files import data_root
from neurosim.errors import NeurosimError
from neurosim.study.file import StudyFile
from neurosim.study.sweep.design import Axis, Design
from neurosim.study.sweep.fields import Setup, changed_chip, check_field, with_settings
from neurosim.study.sweep.file import SweepStudy
from neurosim.study.sweep.rows import COLUMNS
from neurosim.workload.workload import Workload, list_workloads, load_workload

ROWS_VERSION = 1
"""Changes when rows of an older version would no longer be what this one makes."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """A study ready to run, by the names that points use.

    ``chips`` : data of each chip file; ``workloads`` : (path, content hash) of each; ``mappings`` : path of each core
    map; ``key`` : the study's content hash, equal for studies that give equal rows.
    """

    base: Setup
    design: Design
    chips: dict[str, dict[str, Any]]
    workloads: dict[str, tuple[str, str]]
    mappings: dict[str, str]
    key: str


def workload_hash(work: Workload) -> str:
    """SHA-256 of network, data, labels and encoder."""
    digest = hashlib.sha256(f"{work.network.content_hash()} {work.encoder} {work.timesteps}".encode())
    if work.fixed_stimulus is not None:
        digest.update(work.fixed_stimulus.content_hash().encode())
    for array in (work.data, work.labels, work.core_of_neuron):
        digest.update(b"-" if array is None else repr((array.shape, array.dtype.str)).encode())
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def read_inputs(file: StudyFile, design: Design) -> Inputs:
    """Everything the points name, checked. Raises NeurosimError for a field, chip or workload that does not exist."""
    study: SweepStudy = file.study
    where = str(file.path)
    _check_names(design.axes, where)
    for axis in design.axes:
        for position, name in enumerate(axis.fields):
            check_field(name, (axis.settings(k)[position][1] for k in range(len(axis.values))), where)
    base = base_setup(study)
    shipped = list_chips()
    chips = {name: _chip_data(file.find(name, shipped)) for name in _named(design, "chip", study.chip)}
    names = _named(design, "workload", study.workload)
    # Absolute, because a worker may have another folder open.
    paths = {name: _absolute(path) for name, path in zip(names, file.workloads(names), strict=True)}
    hashes = {name: workload_hash(load_workload(path)) for name, path in paths.items()}
    for axis in design.axes:
        _check_paths(base, axis, chips, where)
    maps = [name for name in _named(design, "mapping", study.mapping) if name is not None]
    mappings = {name: _absolute(file.find(name, [])) for name in maps}
    facts = {
        "rows": ROWS_VERSION, "neurosim": __version__, "base": repr(base), "chips": chips, "workloads": hashes,
        "mappings": {name: _map_hash(name, path) for name, path in mappings.items()},
        "axes": [[axis.name, axis.fields, axis.values] for axis in design.axes],
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    digest.update(np.ascontiguousarray(design.choice).tobytes())
    workloads = {name: (paths[name], hashes[name]) for name in names}
    return Inputs(base, design, chips, workloads, mappings, digest.hexdigest())


def _absolute(name: str) -> str:
    """A path from the root; a shipped name stays as it is."""
    return name if name in list_workloads() or not Path(name).exists() else str(Path(name).absolute())


def _check_names(axes: Sequence[Axis], where: str) -> None:
    """Columns and fields must each have one meaning."""
    owner: dict[str, str] = {}
    for axis in axes:
        if axis.name not in axis.fields and axis.name.partition(".")[0] in COLUMNS:
            raise NeurosimError(f"{where}: axes.{axis.name}: is the name of a column of figures; choose another name")
        for name in axis.fields:
            if name in owner:
                raise NeurosimError(f"{where}: axes.{axis.name}: sets {name}, which {owner[name]} sets already")
            owner[name] = axis.name


def base_setup(study: SweepStudy) -> Setup:
    """The point before any axis."""
    plain = {name: getattr(study, name) for name in Setup.__dataclass_fields__ if name in type(study).model_fields}
    quantized = study.quantize or {}
    for name in quantized:
        check_field(f"quantize.{name}", (), "quantize")
    return Setup(**{**plain, "quantize": tuple(quantized.items())})


def _named(design: Design, field: str, base: str | None) -> list[Any]:
    """All values that points have for a field."""
    values = [
        value
        for axis in design.axes
        if field in axis.fields
        for k in range(len(axis.values))
        for name, value in axis.settings(k)
        if name == field
    ]
    return list(dict.fromkeys(values)) if values else [base]


def _chip_data(name: str) -> dict[str, Any]:
    chip = load_chip(name)
    if isinstance(chip, EventChip | PhaseChip) or (isinstance(chip, Chip) and chip.without_energy is not None):
        raise NeurosimError(
            f"chip {chip.name}: a sweep runs a network on it to an energy, which takes a chip with execution 'barrier' "
            "or 'layer' and with prices; choose another"
        )
    path = data_root("arch") / "chips" / f"{name}.yaml" if name in list_chips() else Path(name)
    try:
        return read_yaml(path)
    except (OSError, YamlError) as error:
        raise NeurosimError(f"chip {name}: cannot be read ({error})") from None


def _map_hash(name: str, path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise NeurosimError(f"mapping {name}: cannot be read ({error.strerror})") from None


def _check_paths(base: Setup, axis: Axis, chips: dict[str, dict[str, Any]], where: str) -> None:
    """Refuse a path below ``chip`` that no chip of the study knows. A value that a chip refuses is a row of its own."""
    if not any(name.partition(".")[0] in ("chip", "technology") and "." in name for name in axis.fields):
        return
    refusals = []
    for name, data in chips.items():
        made = with_settings(base, axis.settings(0)).chip_changes
        try:
            chip_from_data(changed_chip(data, made), f"chip {name}")
        except ChipError as error:
            if not _unknown_key(data, made):
                continue
            refusals.append(str(error))
        except NeurosimError as error:
            refusals.append(str(error))
    if len(refusals) == len(chips):
        raise NeurosimError(f"{where}: axes.{axis.name}: {refusals[0]}")


def _unknown_key(data: dict[str, Any], changes) -> bool:
    schema = LayerChip if data["core"]["execution"] == "layer" else Chip
    try:
        schema.model_validate(changed_chip(data, changes))
    except ValidationError as error:
        return any(problem["type"] == "extra_forbidden" for problem in error.errors())
    return False
