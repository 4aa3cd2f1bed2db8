"""Kind ``conventions``: the energies that papers and their scripts print, from their own layer tables.

``energy_cases.json`` names for each case a table, a convention, the expected operations and millijoules and how close
they must be (``rel_tol``); the figure as printed in the paper stands beside it and is no target. A file or folder with
the cases, tables beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurosim.energy.conventions.activity import NetworkActivity
from neurosim.energy.conventions.layer_table import read_layer_table
from neurosim.energy.conventions.proxy import syops
from neurosim.energy.conventions.syna import MaxPool, syna, syna_counts
from neurosim.errors import NeurosimError
from neurosim.validation.case import MISS, WITHIN, Case

CASES = "energy_cases.json"
MAX_BYTES = 1 << 24
LOOSEST = 1e-5
_PICO = 1e-9
"""Millijoules of a picojoule."""


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """A line a case."""
    file = path / CASES if path.is_dir() else path
    return (_verdict(file, case) for case in _read(file))


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise NeurosimError(f"{file}: {file.stat().st_size} bytes, expected at most {MAX_BYTES}")
        found = json.loads(file.read_text("utf-8"))["cases"]
    except OSError as error:
        raise NeurosimError(f"{file}: cannot be read ({error.strerror}); expected {CASES} or its folder") from error
    except (ValueError, KeyError, TypeError) as error:
        raise NeurosimError(f"{file}: not a list of energy cases ({error!r}); expected JSON with 'cases'") from error
    for number, case in enumerate(found):
        _check(file, number, case)
    return found


def _check(file: Path, number: int, case: Any) -> None:
    where = f"{file}: cases[{number}]"
    if not isinstance(case, dict):
        raise NeurosimError(f"{where}: got {case!r}, expected an object")
    for key, kind in (("name", str), ("csv", str), ("convention", str), ("expected", dict), ("rel_tol", float)):
        if not isinstance(case.get(key), kind):
            raise NeurosimError(f"{where}.{key}: got {case.get(key)!r}, expected {kind.__name__}")
    if case["convention"] not in _FIGURES:
        raise NeurosimError(f"{where}.convention: got {case['convention']!r}, expected one of {', '.join(_FIGURES)}")
    if not 0 <= case["rel_tol"] <= LOOSEST:
        raise NeurosimError(f"{where}.rel_tol: got {case['rel_tol']!r}, expected 0 to {LOOSEST:g}")
    if "mJ" not in case["expected"]:
        raise NeurosimError(f"{where}.expected: has no 'mJ'; it is what a case is about")
    for key, value in case["expected"].items():
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise NeurosimError(f"{where}.expected.{key}: got {value!r}, expected a number")


def _syops(activity: NetworkActivity, case: dict[str, Any], where: str) -> dict[str, float]:
    mac, ac = syops(activity)
    return {"MAC": mac.count, "AC": ac.count, "mJ": (mac.value + ac.value) * _PICO}


def _syna(activity: NetworkActivity, case: dict[str, Any], where: str) -> dict[str, float]:
    pool = case.get("maxpool")
    try:
        max_pool = None if pool is None else MaxPool(pool["c"], pool["h"], pool["w"], pool["k"])
    except (KeyError, TypeError) as error:
        raise NeurosimError(f"{where}.maxpool: got {pool!r}, expected c, h, w and k") from error
    counts = syna_counts(activity, max_pool)
    return {
        "AC": counts.ac,
        "MAC": counts.mac,
        "mJ": sum(term.value for term in syna(activity, max_pool)) * _PICO,
        "spikes": counts.spikes,
        # Printed to three decimals, and compared as printed.
        "spikes_per_live_neuron": round(counts.spikes / counts.neurons, 3) if counts.neurons else 0.0,
    }


_FIGURES = {"syops": _syops, "syna_script": _syna}


def _verdict(file: Path, case: dict[str, Any]) -> Case:
    name = f"{case['name']} ({case['convention']})"
    where = f"{file}: case {case['name']}"
    table = file.parent / case["csv"]
    if Path(case["csv"]).name != case["csv"]:
        raise NeurosimError(f"{where}.csv: got {case['csv']!r}, expected the name of a file beside {file.name}")
    mine = _FIGURES[case["convention"]](read_layer_table(table), case, where)
    missed, worst = [], 0.0
    for key, expected in case["expected"].items():
        if key not in mine:
            raise NeurosimError(f"{where}.expected.{key}: the convention gives {', '.join(mine)}")
        off = abs(mine[key] - expected) / abs(expected) if expected else abs(mine[key])
        worst = max(worst, off)
        if off > case["rel_tol"]:
            missed.append(f"{key}: {mine[key]:.12g}, expected {expected:.12g} (off by {off:.2g})")
    published = case.get("published_mJ")
    beside = "none published" if published is None else f"published {published:g} mJ"
    figures = f"{mine['mJ']:.9g} mJ, off by {worst:.1e} (bar {case['rel_tol']:g}); {beside}"
    return Case(name, MISS, "; ".join([*missed, beside])) if missed else Case(name, WITHIN, figures)
