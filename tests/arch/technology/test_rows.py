"""Which rows the units are scaled from, and what a figure says of itself. Expected values are worked from the rows."""

import pytest

from neurosim.arch import chip_from_data
from neurosim.arch.technology import arithmetic
from neurosim.arch.technology.arithmetic import link_energy, logic_scale, router_flit_energy, unit_energy
from neurosim.arch.technology.resolve import memory_figures
from neurosim.errors import NeurosimError
from tests.arch.test_origins import EDGE


def test_a_multiplexer_is_a_share_of_an_adder():
    # 0.00172 / 0.00967 in a file without a unit, of an addition the same project synthesised at 0.09175 pJ for 16 b.
    pj, source = unit_energy("mux", (16,), 32, 0.9)
    assert pj == pytest.approx(0.09175 * 0.00172 / 0.00967, rel=1e-12)
    assert "mux 16 b from 0.178 (ratio mux2 to add) x add 16 b" in source


def test_no_row_of_unknown_unit_is_taken_for_picojoules():
    for unit in arithmetic._ROWS:
        row, _, _ = arithmetic._base(unit)
        assert row["verified"] == "yes" and "unit not stated" not in row["note"], unit
    assert float(arithmetic._row("add", 16, "int", 32, "")["energy_pj"]) == 0.09175
    for op in ("mux2", "and_gate", "shift"):
        with pytest.raises(NeurosimError, match=f"no verified row for {op} 16"):
            arithmetic._row(op, 16, "int", 32, "")


def test_a_row_whose_node_is_assumed_says_so():
    assert "node assumed" in unit_energy("and_row", (8,), 28, 0.9)[1]
    assert "node assumed" not in unit_energy("adder", (8,), 28, 0.9)[1]


def test_dsent_rows_are_met_on_their_nodes():
    assert router_flit_energy(32, 45)[0] == 1.753
    assert router_flit_energy(64, 22)[0] == pytest.approx(0.858)
    assert link_energy(32, 0.5, 32)[0] == pytest.approx(0.032396 * 16)
    # Halfway between 22 and 32 nm in the logarithm the figure is the geometric mean.
    assert router_flit_energy(32, (22 * 32) ** 0.5)[0] == pytest.approx((0.45447 * 0.96628) ** 0.5)


def test_above_dsents_nodes_the_factor_is_applied_and_said():
    pj, source = router_flit_energy(32, 90)
    assert pj == pytest.approx(1.753 * logic_scale(45, 90)) and "DSENT 45 nm x 2.36 to 90 nm" in source
    pj, source = link_energy(1, 1, 65)
    assert pj == pytest.approx(0.040362 * 0.621528 / 0.438441) and "DSENT 45 nm x 1.42 to 65 nm" in source


@pytest.mark.parametrize("node_nm", [7, 10.9, 91, 180])
def test_outside_every_table_is_refused(node_nm):
    for energy in (lambda: router_flit_energy(32, node_nm), lambda: link_energy(1, 1, node_nm)):
        with pytest.raises(NeurosimError, match=rf"technology\.node_nm: got {node_nm:g}; .* nm"):
            energy()


def test_a_memory_smaller_than_any_taken_says_what_it_is_charged_as():
    core = {**EDGE["core"], "axon_table": {"capacity_bits": 512, "word_bits": 32}}
    figures = memory_figures(chip_from_data({**EDGE, "core": core}, "my.yaml"), "axon_table")
    assert "charged as 32 words" in figures.source
    whole = {**EDGE["core"], "axon_table": {"capacity_bits": 1024, "word_bits": 32}}
    exact = memory_figures(chip_from_data({**EDGE, "core": whole}, "my.yaml"), "axon_table")
    assert exact.read_pj == figures.read_pj and "charged as" not in exact.source
