"""Sources in few words."""

import pytest

from neurosim.energy.table import EnergyTable, Leaf
from neurosim.study.sources import full_sources, named_sources, short_sources


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("membrane_memory write: CACTI 7 table 2 KiB x 32 b, 28 nm lstp ED^2", ("CACTI 7",)),
        ("add, Horowitz ISSCC 2014, 45 nm + x, Aladdin 40nm", ("Horowitz ISSCC 2014", "Aladdin's 40 nm tables")),
        ("davies2018: Davies et al., Table 2; within-tile spike", ("Davies et al., Table 2",)),
        ("frady2020: derived: 3.34 W / 32 chips, Frady et al.", ("3.34 W / 32 chips, Frady et al.",)),
        ("", ()),
    ],
)  # fmt: skip
def test_short(text, short):
    assert short_sources(text) == short


def test_the_source_behind_most_energy_comes_first_and_free_ones_not_at_all():
    leaves = (
        Leaf("a", "x", "p", "q", 1, 1.0, "one: little"), Leaf("b", "x", "p", "q", 3, 1.0, "two: much"),
        Leaf("c", "x", "p", "q", 9, 0.0, "three: nothing"), Leaf("d", "x", "p", "q", 9, 0.0, "included in x"),
    )  # fmt: skip
    assert named_sources([EnergyTable(leaves)]) == ["much", "little"]
    assert full_sources(EnergyTable(leaves))[0] == ("b", "two: much", 0.75)
