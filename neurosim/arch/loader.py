"""Reading chip files, and saying exactly what is wrong with one that cannot be used."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, Tag, ValidationError

from neurosim.arch.event import EventChip
from neurosim.arch.layer import LayerChip
from neurosim.arch.phases import PhaseChip
from neurosim.arch.schema import Chip
from neurosim.arch.technology.resolve import memory_figures, resolve_leakage, resolve_prices
from neurosim.arch.yaml_file import YamlError, read_yaml
from neurosim.data_files import data_root
from neurosim.errors import NeurosimError

_EXAMPLES = {Chip: "edge-28nm", EventChip: "tinyodin", LayerChip: "edge-28nm-layer", PhaseChip: "reckon"}
_SCHEMAS = {"event": EventChip, "layer": LayerChip, "phases": PhaseChip}
AnyChip = Chip | EventChip | LayerChip | PhaseChip


class ChipError(NeurosimError):
    """A chip file that cannot be used."""


def list_chips(execution: str | None = None) -> list[str]:
    """Names of the shipped chips, sorted; with ``execution`` only those that run that way."""
    names = sorted(path.stem for path in (data_root("arch") / "chips").glob("*.yaml"))
    return names if execution is None else [n for n in names if load_chip(n).core.execution == execution]


def load_chip(name_or_path: str | Path) -> AnyChip:
    """A shipped chip by name, or a chip file by path. Raises ChipError naming file, field, value and limit."""
    name = str(name_or_path)
    shipped = list_chips()
    path = data_root("arch") / "chips" / f"{name}.yaml" if name in shipped else Path(name)
    try:
        if not name or "\0" in name:
            raise FileNotFoundError
        return chip_from_data(read_yaml(path), str(path))
    except (FileNotFoundError, NotADirectoryError):
        close = difflib.get_close_matches(name, shipped, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ChipError(
            f"chip {_short(name)}: no shipped chip or file of that name.{hint} Shipped: {', '.join(shipped)}"
        ) from None
    except IsADirectoryError:
        raise ChipError(f"chip {_short(name)}: is a folder; name the chip file in it") from None
    except OSError as error:
        raise ChipError(f"chip {_short(name)}: cannot be read ({error.strerror})") from None
    except YamlError as error:
        raise ChipError(f"{path}: {error}") from None


def chip_from_data(data: Any, where: str) -> AnyChip:
    """Check plain data against the schema of its ``core.execution``. ``where`` names the file in messages."""
    if not isinstance(data, dict):
        raise ChipError(f"{where}: holds {type(data).__name__}, expected a mapping that begins with 'format'")
    core = data.get("core")
    execution = core.get("execution") if isinstance(core, dict) else None
    schema = _SCHEMAS.get(execution, Chip) if isinstance(execution, str) else Chip
    if isinstance(execution, str) and execution not in ("barrier", *_SCHEMAS):
        # Said before all else: every other message would be about the keys of another kind of chip.
        known = ", ".join(("barrier", *_SCHEMAS))
        raise ChipError(f"{where}: core.execution: got {_short(execution)}, expected one of {known}")
    try:
        chip = schema.model_validate(data)
    except ValidationError as error:
        raise ChipError(_explain(where, error, schema)) from None
    if not isinstance(chip, Chip | LayerChip):
        return chip
    try:
        # A chip whose prices cannot be worked out is refused here, where the file is still known.
        resolve_prices(chip)
        resolve_leakage(chip)
        _check_access_times(chip)
    except NeurosimError as error:
        raise ChipError(f"{where}: {error}") from None
    return chip


def _explain(where: str, error: ValidationError, schema: type[BaseModel]) -> str:
    """One line for the most telling problem; a misspelt key comes before the missing one that it leaves behind."""
    problems = sorted(error.errors(), key=lambda p: p["type"] != "extra_forbidden")
    first = problems[0]
    path = ".".join(str(part) for part in first["loc"] if not _is_tag(part))
    others = len(problems) - 1
    more = f" (and {others} more problem{'s' * (others > 1)})" if others else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys(schema, first["loc"][:-1])
        close = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(sorted(known))}"
        text = f"{path}: unknown key; {hint}"
    elif first["type"] == "missing":
        text = f"{path}: missing; add it (see a shipped chip with: neurosim show chip {_EXAMPLES[schema]})"
    else:
        message = re.sub(r" or instance of \w+$", "", first["msg"].removeprefix("Value error, "))
        message = message[0].lower() + message[1:]
        # Messages about the chip as a whole name their field themselves.
        text = f"{path}: {_got(first['input'])}{message}" if path else message
    return " ".join(f"{where}: {text}{more}".splitlines())


def _is_tag(part: str | int) -> bool:
    """Whether a part of a place is the name of an alternative (`Topology`, `Ways`), which the file does not spell."""
    return isinstance(part, str) and part.startswith("<")


def _got(value: Any) -> str:
    if isinstance(value, dict):
        return ""
    return "got a list, " if isinstance(value, list) else f"got {_short(value)}, "


def _short(value: Any) -> str:
    # Longer integers than this are refused by str itself.
    if isinstance(value, int) and abs(value) >= 1 << 128:
        return "an integer of more than 128 bits"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _known_keys(schema: type[BaseModel], location: tuple) -> set[str]:
    """Keys that the schema knows at a place in the file."""
    model: Any = schema
    annotation: Any = schema
    for part in location:
        if _is_tag(part):
            model = _tagged(annotation, part) or model
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if part in fields:
            annotation = fields[part].annotation
            model = _model_in(annotation) or model
    return {field.alias or name for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as ``tuple[Term, ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for part in get_args(annotation) if (m := _model_in(part))), None)


def _tagged(annotation: Any, tag: str) -> type[BaseModel] | None:
    """The alternative of that name in an annotation of alternatives."""
    for part in get_args(annotation):
        if any(isinstance(note, Tag) and note.tag == tag for note in getattr(part, "__metadata__", ())):
            return get_args(part)[0]
        if (found := _tagged(part, tag)) is not None:
            return found
    return None


def _check_access_times(chip: Chip | LayerChip) -> None:
    """Refuse a synchronous clock that is faster than a memory whose figures come from the technology tables."""
    if not chip.clock.synchronous:
        return
    terms = [term for spec in [*chip.energy.values(), *chip.leakage] for term in spec.derive or ()]
    for name in sorted({term.sram for term in terms if term.sram}):
        memory = getattr(chip.core, name)
        access_ps = memory_figures(chip, name).access_ns * 1000
        for way in ("read", "write"):
            cycles = getattr(memory, f"{way}_cycles", None)
            if cycles is None or cycles * chip.clock.quantum_ps >= access_ps:
                continue
            raise ChipError(
                f"clock.quantum_ps: {chip.clock.quantum_ps:g} ps x core.{name}.{way}_cycles {cycles} = "
                f"{cycles * chip.clock.quantum_ps:g} ps is shorter than the memory's access time of {access_ps:.0f} "
                f"ps; slow the clock or give {way}_cycles {-(-access_ps // chip.clock.quantum_ps):g}"
            )
