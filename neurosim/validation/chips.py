"""Kind ``chips``: published chip figures against the shipped chip files and against the technology tables.

The witness is a table of published figures (columns in `MARK`); lines that were not read in a source (``verified``
other than yes) are passed over. What is stated twice must agree: the affine power model of ODIN at the points measured,
the sweep of TrueNorth on one line, Loihi's table in the chip files that claim to hold it. What the tables give for the
same chips is printed with its factor and kept inside `FACTOR_BARS`, wide as they are: a line that moves is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from neurosim.arch import load_chip
from neurosim.csv_rows import Row, read_header, read_rows
from neurosim.energy.silicon import (
    AffinePower,
    Comparison,
    affine_through,
    odin_from_tables,
    truenorth_events_per_s,
    truenorth_from_tables,
)
from neurosim.errors import NeurosimError
from neurosim.validation.case import EQUAL, MISS, SKIPPED, WITHIN, Case

MARK = frozenset({"chip", "quantity", "value", "unit", "conditions", "source", "verified"})
ODIN_BAR, TRUENORTH_BAR = 0.005, 0.01
"""Relative error of a published power from the affine model that its own source gives, or that two points give."""
FACTOR_BARS = {"ODIN": (1.0, 2.4), "TrueNorth": (1.0, 4.0)}
"""Published over derived, for the power of the whole chip: the tables have no clock tree and no control."""
LOIHI = {
    "Loihi": ("loihi-2018", {
        "energy_per_synaptic_op_min": "accumulate_dense",
        "energy_per_neuron_update_active": "neuron_active",
        "energy_per_neuron_update_inactive": "neuron_inactive",
        "within_tile_spike_energy": "hop_local",
        "hop_energy_EW": "hop_east",
        "hop_energy_NS": "hop_north",
    }),
    "Loihi(SANA-FE model)": ("loihi-silicon", {
        "synapse_dense_energy": "accumulate_dense",
        "synapse_sparse_energy": "accumulate_sparse",
        "synapse_conv_energy": "accumulate_conv",
        "soma_access_energy": "neuron_access",
        "soma_update_energy": "neuron_active",
        "soma_spike_out_energy": "neuron_spike",
        "axon_out_message_energy": "axon_out",
        "hop_energy_EW": "hop_east",
        "hop_energy_NS": "hop_north",
    }),
}  # fmt: skip

QUERY, QUERY_WORK = "measured_query_dynamic_energy", r"([\d.e]+)-([\d.e]+) synaptic events, ([\d.e]+) neuron updates"
UPDATES = {"loihi-2018": ("neuron_inactive", "neuron_inactive"), "loihi-silicon": ("neuron_access", "neuron_active")}
"""What each of the query's neuron updates costs at least and at most: the second comes on top where it differs."""
CALIBRATION_BAR = 0.01

Figures = dict[str, dict[str, Row]]


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """A line a published point, one a chip file, one a quantity that the tables give."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    known = [file for file in files if set(read_header(file)) >= MARK]
    if not known:
        raise NeurosimError(
            f"{path}: no table of chips; expected a CSV file with the columns {', '.join(sorted(MARK))}"
        )
    for file in known:
        figures = read_figures(file)
        yield from _odin(figures.get("ODIN", {}))
        yield from _truenorth(figures.get("TrueNorth", {}))
        for name in LOIHI:
            yield _chip_file(name, figures.get(name, {}))
        yield from _loihi_query(figures.get("Loihi", {}))


def read_figures(file: Path) -> Figures:
    """Verified lines by chip and quantity. Raises NeurosimError for a quantity given twice."""
    figures: Figures = {}
    for row in read_rows(file, MARK):
        if row.text("verified") != "yes":
            continue
        of_chip = figures.setdefault(row.text("chip"), {})
        if row.text("quantity") in of_chip:
            raise row.wrong("quantity", "a quantity that no line of this chip before it has")
        of_chip[row.text("quantity")] = row
    return figures


def _number(row: Row, unit: str) -> float:
    row.text("unit", (unit,))
    return row.number("value", 0)


def _judged(name: str, got: float, recorded: float, bar: float, unit: str) -> Case:
    error = got / recorded - 1
    detail = f"{got:.4g} {unit}, published {recorded:g} ({100 * error:+.2f} %, bar {100 * bar:g})"
    return Case(name, WITHIN if abs(error) <= bar else MISS, detail)


def _odin(rows: dict[str, Row]) -> Iterator[Case]:
    needed = ("leakage_power", "idle_power_per_MHz", "incremental_energy_per_SOP")
    if not all(name in rows for name in needed):
        yield Case("ODIN", SKIPPED, f"the table lacks one of {', '.join(needed)}")
        return
    units = ("uW", "uW/MHz", "pJ")
    static, cycle, event = (_number(rows[name], unit) for name, unit in zip(needed, units, strict=True))
    model = AffinePower(static * 1e-6, cycle, event, 0.55, "")
    scale = {"k": 1e3, "M": 1e6}
    for name, row in rows.items():
        point = re.fullmatch(r"power_([\d.]+)MHz_([\d.]+)([kM])SOPs", name)
        if point:
            got = model.watts(float(point[1]) * 1e6, float(point[2]) * scale[point[3]]) * 1e6
            yield _judged(f"ODIN {name}", got, _number(row, "uW"), ODIN_BAR, "uW")
    yield from _from_tables("ODIN", odin_from_tables())


def _truenorth(rows: dict[str, Row]) -> Iterator[Case]:
    found = [(re.fullmatch(r"power_([\d.]+)Hz", name), row) for name, row in rows.items()]
    points = sorted((truenorth_events_per_s(float(m[1])), _number(row, "mW") * 1e-3, m[0]) for m, row in found if m)
    if len(points) < 3:
        yield Case("TrueNorth", SKIPPED, f"the table holds {len(points)} points of its sweep; a line needs three")
        return
    line = affine_through(points[0][:2], points[-1][:2], 0.8, "")
    for events, watts, name in points[1:-1]:
        yield _judged(f"TrueNorth {name} on the line of the others", line.watts(0, events) * 1e3, watts * 1e3,
                      TRUENORTH_BAR, "mW")  # fmt: skip
    fits = (("marginal_energy_per_event", line.pj_per_event, "pJ"), ("static_power_fit", line.static_w * 1e3, "mW"))
    for name, got, unit in fits:
        if name in rows:
            yield _judged(f"TrueNorth {name}", got, _number(rows[name], unit), 1e-3, unit)
    yield from _from_tables("TrueNorth", truenorth_from_tables())


def _from_tables(chip: str, found: tuple[Comparison, ...]) -> Iterator[Case]:
    """Every quantity is printed; the whole chip's power, which is the last, has a bar."""
    for line in found:
        last = line is found[-1]
        low, high = FACTOR_BARS[chip]
        bar = f", bar {low:g} to {high:g}" if last else ""
        detail = (
            f"tables {line.derived:.3g} {line.unit} ({', '.join(line.terms)}), published {line.published:.3g}: factor "
            f"{line.factor:.2f}{bar}"
        )
        verdict = MISS if last and not low <= line.factor <= high else WITHIN
        yield Case(f"{chip} from the tables: {line.name}", verdict, detail)


def _chip_file(name: str, rows: dict[str, Row]) -> Case:
    file, actions = LOIHI[name]
    prices, compared = load_chip(file).energy, 0
    for quantity, action in actions.items():
        if quantity not in rows:
            continue
        recorded = _number(rows[quantity], "pJ")
        if prices[action].pj != recorded:
            return Case(
                f"{name} in {file}", MISS, f"{action}: {prices[action].pj} pJ, published {quantity} {recorded:g}"
            )
        compared += 1
    if not compared:
        return Case(f"{name} in {file}", SKIPPED, "the table has none of its energies")
    return Case(f"{name} in {file}", EQUAL, f"{compared} energies")


def _loihi_query(rows: dict[str, Row]) -> Iterator[Case]:
    """The measured search over what each chip file's constants give for its work: the factor that the file states."""
    row = rows.get(QUERY)
    work = None if row is None else re.search(QUERY_WORK, row.text("conditions"))
    if work is None:
        yield Case("Loihi query", SKIPPED, f"the table has no {QUERY} with its numbers of events and updates")
        return
    least, most, updates = (float(text) for text in work.groups())
    measured = _number(row, "mJ")
    for file, (first, second) in UPDATES.items():
        chip = load_chip(file)
        prices = {name: spec.pj for name, spec in chip.energy.items()}
        extra = prices[second] if second != first else 0.0
        fewest, dearest = (prices[name] for name in ("accumulate_sparse", "accumulate_dense"))
        low = (least * fewest + updates * prices[first]) * 1e-9
        high = (most * dearest + updates * (prices[first] + extra)) * 1e-9
        factors = measured / high, measured / ((low + high) / 2), measured / low
        stated = chip.calibration
        found = f"{measured:g} mJ measured, {low:.3g} to {high:.3g} by {file}: factor {factors[1]:.2f}, "
        found += f"{factors[0]:.2f} to {factors[2]:.2f}"
        if stated is None:
            yield Case(f"Loihi query by {file}", MISS, f"{found}; the file states none")
            continue
        same = all(
            abs(a - b) <= CALIBRATION_BAR
            for a, b in zip(factors, (stated.low, stated.factor, stated.high), strict=True)
        )
        detail = f"{found}; the file states {stated.factor:g}, {stated.low:g} to {stated.high:g}"
        yield Case(f"Loihi query by {file}", WITHIN if same else MISS, detail)
