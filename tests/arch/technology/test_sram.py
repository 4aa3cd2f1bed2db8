"""SRAM figures: the table at its own points, neighbours in between, V squared, power laws outside, refusals."""

import csv
from math import exp, log

import pytest

from neurosim.arch.technology.sram import _SUPPLY, sram_figures, supply_v
from neurosim.data_files import data_root
from neurosim.errors import NeurosimError


def table():
    path = data_root("arch") / "technology" / "cacti_sram.csv"
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


# A memory of mixed device types (cell lstp, periphery hp) is in the table but not offered by the chip schema.
ROWS = [row for row in table() if row["cell"] == row["periph"]]
FAMILIES = sorted({(float(r["node_nm"]), r["cell"], r["objective"]) for r in ROWS})


def of(row):
    return sram_figures(
        int(row["capacity_bytes"]) * 8, int(row["width_bits"]), float(row["node_nm"]), row["cell"], row["objective"]
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f"{f[0]:g}-{f[1]}-{f[2]}")
def test_the_table_on_its_own_points(family):
    rows = [r for r in ROWS if (float(r["node_nm"]), r["cell"], r["objective"]) == family]
    assert len(rows) > 70
    for row in rows:
        figures = of(row)
        assert figures.read_pj == pytest.approx(float(row["read_pJ"]), rel=1e-12)
        assert figures.write_pj == pytest.approx(float(row["write_pJ"]), rel=1e-12)
        assert figures.leakage_mw == pytest.approx(float(row["leak_mW"]) + float(row["gate_leak_mW"]), rel=1e-12)
        assert figures.access_ns == pytest.approx(float(row["access_ns"]), rel=1e-12)
        assert figures.area_mm2 == pytest.approx(float(row["area_mm2"]), rel=1e-12)
        assert not figures.extrapolated


def test_every_offered_device_covers_22_to_90_nm():
    for device in ("hp", "lstp", "lop"):
        nodes = [node for node, d, objective in FAMILIES if (d, objective) == (device, "ED^2")]
        assert nodes == [22, 28, 32, 40, 45, 65, 90]


def test_one_row_by_literals():
    # 22,hp,hp,ED,1024,64: read 0.354357 pJ, write 0.757443 pJ, leakage 0.100218 + 0.00103177 mW.
    figures = sram_figures(8192, 64, 22, "hp", "ED")
    assert figures.read_pj == pytest.approx(0.354357, rel=1e-12)
    assert figures.write_pj == pytest.approx(0.757443, rel=1e-12)
    assert figures.leakage_mw == pytest.approx(0.10124977, rel=1e-12)
    assert figures.voltage_v == 0.8


def values(figures):
    return figures.read_pj, figures.write_pj, figures.leakage_mw, figures.access_ns, figures.area_mm2


@pytest.mark.parametrize(
    ("low", "middle", "high"),
    [
        ((65536, 32, 28), (92682, 32, 28), (131072, 32, 28)),
        ((65536, 32, 28), (65536, 48, 28), (65536, 64, 28)),
        ((65536, 64, 32), (65536, 64, 36), (65536, 64, 40)),
        ((1048576, 64, 65), (1048576, 64, 70), (1048576, 64, 90)),
    ],
)
def test_between_points_lies_between_neighbours(low, middle, high):
    for a, m, b in zip(*(values(sram_figures(*point)) for point in (low, middle, high)), strict=True):
        assert min(a, b) < m < max(a, b)


def test_interpolation_is_straight_in_the_logarithms():
    low, high, middle = (sram_figures(2**16, width, 28) for width in (16, 32, 23))
    share = log(23 / 16) / log(2)
    assert middle.read_pj == pytest.approx(exp((1 - share) * log(low.read_pj) + share * log(high.read_pj)), rel=1e-12)
    low, high, middle = (sram_figures(2**16, 64, node) for node in (40, 45, 42.5))
    assert middle.read_pj == pytest.approx((low.read_pj * high.read_pj) ** 0.5, rel=1e-12)


def test_supply():
    assert [supply_v(n, "lstp") for n in (22, 32, 45, 90)] == [0.8, 1.0, 1.1, 1.3]
    assert supply_v(28, "lstp") == pytest.approx(0.92)
    assert [set(_SUPPLY[d]) for d in _SUPPLY] == [{22, 32, 45, 65, 90}] * 3


def test_dynamic_energy_goes_with_v_squared_and_leakage_with_v():
    own = sram_figures(65536, 64, 45, "lstp")
    assert own.voltage_v == 1.1
    half = own.at_voltage(0.55)
    assert half.read_pj == pytest.approx(own.read_pj / 4, rel=1e-12)
    assert half.write_pj == pytest.approx(own.write_pj / 4, rel=1e-12)
    assert half.leakage_mw == pytest.approx(own.leakage_mw / 2, rel=1e-12)
    assert half.access_ns == own.access_ns
    assert "(V/1.1)^2 at 0.55 V" in half.source
    assert own.at_voltage(1.1).read_pj == pytest.approx(own.read_pj, rel=1e-12)


def test_outside_the_table_the_power_law_carries_on_and_says_so():
    edge = sram_figures(4194304 * 8, 64, 28)
    beyond = sram_figures(4194304 * 8 * 4, 64, 28)
    assert not edge.extrapolated and beyond.extrapolated
    assert "extrapolated by power law" in beyond.source and "extrapolated" not in edge.source
    assert beyond.read_pj / edge.read_pj == pytest.approx(4**0.53, rel=1e-12)
    assert beyond.write_pj / edge.write_pj == pytest.approx(4**0.47, rel=1e-12)
    assert beyond.leakage_mw / edge.leakage_mw == pytest.approx(4, rel=1e-12)
    wide, wider = sram_figures(2**20, 512, 28), sram_figures(2**20, 1024, 28)
    assert wider.extrapolated
    assert wider.read_pj / wide.read_pj == pytest.approx(2**0.52, rel=1e-12)
    small, smaller = sram_figures(512, 8, 28), sram_figures(256, 8, 28)
    assert smaller.extrapolated
    assert smaller.read_pj / small.read_pj == pytest.approx(0.5**0.53, rel=1e-12)


def test_the_source_names_the_memory():
    source = sram_figures(2**19, 64, 36, "hp").source
    assert source == "CACTI 7 table 64 KiB x 64 b, between 32 and 40 nm hp ED^2"


@pytest.mark.parametrize(
    ("node", "device", "objective", "expected"),
    [
        (14, "lstp", "ED^2", "got 14 .*22 to 90 nm"),
        (130, "hp", "ED^2", "got 130 .*22 to 90 nm"),
        (22, "lstp", "ED", "got 22 .*28 to 45 nm"),
        (28, "lop", "ED", "no node"),
    ],
)
def test_a_node_that_the_table_does_not_hold(node, device, objective, expected):
    with pytest.raises(NeurosimError, match=expected):
        sram_figures(65536, 64, node, device, objective)


def test_no_memory_of_nothing():
    for size, word in ((0, 8), (8, 0), (-8, 8)):
        with pytest.raises(NeurosimError, match="at least 1"):
            sram_figures(size, word, 28)
