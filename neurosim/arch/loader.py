"""Reading chip files, and saying exactly what is wrong with one that cannot be used."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from neurosim.arch.schema import Chip
from neurosim.data_files import data_root
from neurosim.errors import NeurosimError

MAX_BYTES = 1 << 20


class ChipError(NeurosimError):
    """A chip file that cannot be used."""


def list_chips() -> list[str]:
    """Names of the shipped chips, sorted."""
    return sorted(path.stem for path in (data_root("arch") / "chips").glob("*.yaml"))


def load_chip(name_or_path: str | Path) -> Chip:
    """A shipped chip by name, or a chip file by path. Raises ChipError naming file, field, value and limit."""
    name = str(name_or_path)
    path = data_root("arch") / "chips" / f"{name}.yaml" if name in list_chips() else Path(name)
    if not path.is_file():
        close = difflib.get_close_matches(name, list_chips(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ChipError(
            f"chip {name!r}: no shipped chip or file of that name.{hint} Shipped: {', '.join(list_chips())}"
        )
    return chip_from_data(_read_yaml(path), str(path))


def _read_yaml(path: Path) -> Any:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ChipError(f"{path}: {size} bytes, expected at most {MAX_BYTES}; is it a chip file?")
        return yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ChipError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ChipError(f"{path}: not valid YAML ({str(error).splitlines()[0]})") from error


def chip_from_data(data: Any, where: str) -> Chip:
    """Check plain data against the schema. ``where`` names the file in messages."""
    if not isinstance(data, dict):
        raise ChipError(f"{where}: holds {type(data).__name__}, expected a mapping that begins with 'format'")
    try:
        chip = Chip.model_validate(data)
    except ValidationError as error:
        raise ChipError(_explain(where, error)) from None
    _check_access_times(chip, where)
    return chip


def _explain(where: str, error: ValidationError) -> str:
    problems = error.errors()
    first = problems[0]
    path = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys(first["loc"][:-1])
        close = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(sorted(known))}"
        return f"{where}: {path}: unknown key; {hint}{more}"
    if first["type"] == "missing":
        return f"{where}: {path}: missing; add it (see a shipped chip with: neurosim show chip edge-28nm){more}"
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    got = "" if not path or isinstance(first["input"], (dict, list)) else f"got {first['input']!r}, "
    return f"{where}: {path or 'chip'}: {got}{message}{more}"


def _known_keys(location: tuple) -> set[str]:
    """Keys that the schema knows at a place in the file."""
    model: Any = Chip
    for part in location:
        fields = getattr(model, "model_fields", {})
        if part not in fields:
            continue
        annotation = fields[part].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not nested:
            return set()
        model = nested[0]
    return {field.alias or name for name, field in model.model_fields.items()}


def _check_access_times(chip: Chip, where: str) -> None:
    """Refuse a synchronous clock that is faster than a memory whose latency comes from the technology tables."""
    if not chip.clock.synchronous or all(price.derive is None for price in chip.energy.values()):
        return
    from neurosim.arch.technology.resolve import memory_figures

    for name in ("synaptic_memory", "membrane_memory"):
        memory = getattr(chip.core, name)
        if memory.capacity_bits is None:
            continue
        access_ps = memory_figures(chip, name).access_ns * 1000
        allowed = memory.read_cycles * chip.clock.quantum_ps
        if access_ps > allowed:
            raise ChipError(
                f"{where}: clock.quantum_ps: {chip.clock.quantum_ps:g} ps x core.{name}.read_cycles "
                f"{memory.read_cycles} = {allowed:g} ps is shorter than the memory's access time of {access_ps:.0f} "
                f"ps; slow the clock or give read_cycles {-(-access_ps // chip.clock.quantum_ps):g}"
            )
