"""The language of constraints: what it says, and what it will not do."""

import pytest

from neurosim.errors import NeurosimError
from neurosim.study.sweep.expression import parse_constraint

AXES = ["lanes", "chip.core.synaptic_memory.word_bits", "chip.mesh.width", "kind"]
POINT = {"lanes": 8, "chip.core.synaptic_memory.word_bits": 64, "chip.mesh.width": 4, "kind": "a"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lanes <= word_bits / 4", True),
        ("lanes * 4 > chip.core.synaptic_memory.word_bits", False),
        ("1 < lanes <= 8 and width == 4", True),
        ("lanes == 1 or not width < 4", True),
        ("kind in ['b', 'c']", False),
        ("kind not in ['b'] and kind == 'a'", True),
        ("log2(word_bits) == 6 and min(lanes, width) == 4", True),
        ("-lanes + 2 ** 3 == 0 and 9 // 2 == 4 and 9 % 2 == 1", True),
        ("ceil(lanes / 3) == 3 and floor(lanes / 3) == 2 and abs(-lanes) == +lanes and max(1, 2) == 2", True),
    ],
)
def test_what_it_says(text, expected):
    assert parse_constraint(text, AXES).holds(POINT) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true')", "only min, max"),
        ("lanes.__class__", "not an axis"),
        ("().__class__.__bases__", "a dot is only for the names of axes"),
        ("(lambda: 1)()", "only min, max"),
        ("[x for x in [1]]", "ListComp is not part"),
        ("lanes if width else 1", "IfExp is not part"),
        ("f'{lanes}'", "is not part"),
        ("lanes := 3", "cannot be read"),
        ("min(*[1])", "is not part"),
        ("min(lanes, key=abs)", "only min, max"),
        ("lanes[0]", "Subscript is not part"),
        ("lanse > 3", "did you mean 'lanes'"),
        ("1j > lanes", "is not a number or a text"),
        ("lanes >", "cannot be read"),
        ("-" * 50 + "lanes", "too long"),
        (" and ".join(["lanes > 1"] * 100), "too long"),
    ],
)
def test_what_it_is_not(text, message):
    with pytest.raises(NeurosimError, match=message):
        parse_constraint(text, AXES)


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9 > lanes",
        "kind * 1000000 == kind",
        "lanes / 0 > 1",
        "kind < lanes",
        "log2(0) < lanes",
        "kind + 1 > 2",
    ],
)
def test_values_that_do_not_go_together(text):
    with pytest.raises(NeurosimError, match="constraint"):
        parse_constraint(text, AXES).holds(POINT)


def test_an_ambiguous_name():
    with pytest.raises(NeurosimError, match="could be"):
        parse_constraint("width > 1", ["a.width", "b.width"])
