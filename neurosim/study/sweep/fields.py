"""The fields that an axis can set, which stage reads each of them, and a point as settings of all of them."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any

from neurosim.arch.actions import ACTIONS
from neurosim.energy.table import IDLE_CLOCK
from neurosim.errors import NeurosimError

FUNCTION, TIMING, ENERGY, CONSTANT = range(4)
"""The first stage that reads a field. A change of it leaves everything before that stage as it was."""

RUN = {
    "workload": FUNCTION, "samples": FUNCTION, "timesteps": FUNCTION, "seed": FUNCTION, "engine": FUNCTION,
    "encoder": FUNCTION, "chip": TIMING, "mapping": TIMING, "capacity": TIMING, "timing": TIMING,
    "synapse_unit": TIMING,
}  # fmt: skip
QUANTIZE = ("weight_bits", "membrane_bits", "scale", "clip", "rounding", "per_channel", "calibration_samples")
# Sections of a chip file that mapping and timing do not read: their changes leave cycles and counts as they are.
ENERGY_SECTIONS = (
    "clock", "technology", "energy", "leakage", "standing", "calibration", "without_energy", "sources", "origins",
    "assumptions", "name", "title", "description",
)  # fmt: skip
LOAD_WRITE = "load_write"
_TEXTS = ("workload", "chip", "engine", "timing", "capacity", "mapping", "encoder", "synapse_unit")
_OPTIONAL = ("samples", "timesteps", "mapping", "encoder", "synapse_unit")
_LEAST = {"samples": 1, "timesteps": 1, "seed": 0}


@dataclass(frozen=True)
class Constant:
    """An energy constant of a point: of an action (``energy``) or of a leaking component (``leakage``).

    ``how``: ``pj`` puts a price in place of the chip's, ``factor`` multiplies it. ``pattern`` may have ``*``.
    """

    section: str
    pattern: str
    how: str
    value: float


@dataclass(frozen=True)
class Setup:
    """Everything that a point is made of. ``chip_changes`` are (path below the chip file, value)."""

    workload: str
    chip: str
    samples: int | None
    timesteps: int | None
    seed: int
    engine: str
    timing: str
    capacity: str
    synapse_unit: str | None
    mapping: str | None
    encoder: str | None
    network_samples: int = 0
    quantize: tuple[tuple[str, Any], ...] = ()
    chip_changes: tuple[tuple[tuple[str, ...], Any], ...] = ()
    constants: tuple[Constant, ...] = field(default=())


def stage_of(name: str) -> int:
    """The first stage that reads a field."""
    head, _, rest = name.partition(".")
    if name in RUN:
        return RUN[name]
    if head == "quantize":
        return FUNCTION
    if head in ("energy", "leakage"):
        return CONSTANT
    if head == "technology" or (head == "chip" and rest.partition(".")[0] in ENERGY_SECTIONS):
        return ENERGY
    return TIMING


def check_field(name: str, values: Iterable[Any], where: str) -> None:
    """Raises NeurosimError for a field that does not exist, and for values of a kind it cannot have.

    Paths below ``chip`` are held to the chip's own schema elsewhere (`neurosim.study.sweep.inputs`).
    """
    at = f"{where}: axes.{name}"
    head, _, rest = name.partition(".")
    if name in RUN:
        for value in values:
            _check_run_value(name, value, at)
    elif head == "quantize" and rest:
        if rest not in QUANTIZE:
            raise NeurosimError(f"{at}: unknown axis; {_hint(rest, QUANTIZE, 'quantize.')}")
    elif head in ("energy", "leakage") and rest:
        _check_constant(head, rest, values, at)
    elif name.startswith("chip.energy.") and name.split(".")[2] not in ACTIONS:
        raise NeurosimError(f"{at}: unknown action; {_hint(name.split('.')[2], list(ACTIONS), '')}")
    elif head not in ("chip", "technology") or not rest:
        known = [*RUN, "chip.", "technology.", "quantize.", "energy.", "leakage."]
        raise NeurosimError(f"{at}: unknown axis; {_hint(name, known, '')}")


def _hint(name: str, known: Iterable[str], prefix: str) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {prefix + close[0]!r}?" if close else f"known: {', '.join(prefix + k for k in known)}"


def _check_run_value(name: str, value: Any, at: str) -> None:
    if value is None and name in _OPTIONAL:
        return
    if name in _TEXTS:
        if not isinstance(value, str) or not value:
            raise NeurosimError(f"{at}: got {value!r}, expected a name")
    elif not isinstance(value, int) or isinstance(value, bool) or not _LEAST[name] <= value < 2**62:
        raise NeurosimError(f"{at}: got {value!r}, expected a whole number of at least {_LEAST[name]}")


def _check_constant(section: str, rest: str, values: Iterable[Any], at: str) -> None:
    pattern, _, how = rest.rpartition(".")
    allowed = ("pj", "factor") if section == "energy" else ("factor",)
    if not pattern or how not in allowed:
        raise NeurosimError(
            f"{at}: unknown axis; expected {section}.{'ACTION' if section == 'energy' else 'COMPONENT'}."
            f"{' or .'.join(allowed)}"
        )
    # A clock that always runs is a power, not a price of something that is counted.
    known = [*ACTIONS, LOAD_WRITE, *([IDLE_CLOCK] if how == "factor" else [])]
    if section == "energy" and not any(fnmatchcase(action, pattern) for action in known):
        raise NeurosimError(f"{at}: unknown axis; {_hint(pattern, known, 'energy.')}")
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not isfinite(value) or value < 0:
            raise NeurosimError(f"{at}: got {value!r}, expected a number of at least 0")


def with_settings(base: Setup, settings: Iterable[tuple[str, Any]]) -> Setup:
    """``base`` with the values of a point, in the order given."""
    run, quantized, changes, constants = {}, dict(base.quantize), list(base.chip_changes), list(base.constants)
    for name, value in settings:
        head, _, rest = name.partition(".")
        if name in RUN:
            run[name] = value
        elif head == "quantize":
            quantized[rest] = value
        elif head in ("energy", "leakage"):
            pattern, _, how = rest.rpartition(".")
            constants.append(Constant(head, pattern, how, float(value)))
        else:
            path = name if head == "technology" else rest
            changes.append((tuple(path.split(".")), value))
    return replace(
        base, **run, quantize=tuple(quantized.items()), chip_changes=tuple(changes), constants=tuple(constants)
    )  # fmt: skip


def changed_chip(data: dict[str, Any], changes: Iterable[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """A chip file's data with values put at paths. Raises NeurosimError where a path leads through a plain value."""
    made = copy.deepcopy(data)
    for path, value in changes:
        place: Any = made
        for k, part in enumerate(path[:-1]):
            key = _key(place, part, path, k)
            if isinstance(place, dict) and place.get(key) is None:
                place[key] = {}
            place = place[key]
        place[_key(place, path[-1], path, len(path) - 1)] = value
    return made


def _key(place: Any, part: str, path: tuple[str, ...], k: int) -> Any:
    name = f"chip.{'.'.join(path)}"
    if isinstance(place, list):
        if not part.isdigit() or int(part) >= len(place):
            raise NeurosimError(f"{name}: unknown axis; {part!r} is not a number of 0 to {len(place) - 1}")
        return int(part)
    if not isinstance(place, dict):
        raise NeurosimError(f"{name}: unknown axis; chip.{'.'.join(path[:k])} is one value and has no parts")
    # Some tables of a chip file are keyed by whole numbers.
    if part.isdigit() and any(isinstance(key, int) for key in place):
        return int(part)
    return part
