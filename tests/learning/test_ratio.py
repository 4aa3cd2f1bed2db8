"""A ratio is never written without its baseline, batch size, price table and accuracy gap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.learning.ratio import UNTRAINED, Ratio, saved, times

WORDS = st.text("abcdefghij-", min_size=1, max_size=12)
GAPS = st.one_of(st.none(), st.floats(-100, 100))


@given(st.floats(1e-6, 1e6), WORDS, WORDS, st.integers(1, 4096), WORDS, GAPS)
def test_every_text_names_what_it_was_measured_against(number, rule, baseline, batch, prices, gap):
    ratio = Ratio(number, rule, baseline, batch, prices, gap)
    told = UNTRAINED if gap is None else f"accuracy {gap:+.1f} points"
    for text in (str(ratio), f"{ratio}", f"{ratio!s}", "{}".format(ratio)):  # noqa: UP032
        assert times(number) in text
        assert (
            f"{baseline} / {rule}" in text and f"batch {batch}" in text and f"prices {prices}" in text and told in text
        )
    row = ratio.row()
    assert (row["baseline"], row["rule"], row["batch"], row["prices"]) == (baseline, rule, batch, prices)
    assert row["accuracy_gap_points"] == ("" if gap is None else gap) and row["learned"] == (
        "no" if gap is None else "yes"
    )


@pytest.mark.parametrize("spec", [".1f", ".2g", "10", "g"])
def test_a_format_of_its_own_is_refused(spec):
    ratio = Ratio(30.0, "mpd-ed", "bptt-dense", 1, "sata", -1.0)
    with pytest.raises(TypeError, match="one text"):
        format(ratio, spec)
    with pytest.raises(TypeError):
        float(ratio)
    with pytest.raises(TypeError):
        round(ratio)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": float("nan")}, "expected above 0"),
        ({"number": 0.0}, "expected above 0"),
        ({"number": float("inf")}, "expected above 0"),
        ({"baseline": ""}, "baseline is empty"),
        ({"prices": ""}, "prices is empty"),
        ({"rule": ""}, "rule is empty"),
        ({"batch": 0}, "batch 0"),
        ({"gap_points": float("nan")}, "not finite"),
    ],
)
def test_what_a_ratio_cannot_lack(change, message):
    good = {"number": 2.0, "rule": "a", "baseline": "b", "batch": 1, "prices": "p", "gap_points": 0.0}
    with pytest.raises(NeurosimError, match=message):
        Ratio(**{**good, **change})
    for name in good:
        with pytest.raises(TypeError):
            Ratio(**{key: value for key, value in good.items() if key != name})


def test_energies_divide():
    what = {"rule": "a", "baseline": "b", "batch": 1, "prices": "p", "gap_points": 0.0}
    assert saved((6.0, 3.0), **what).number == 2
    with pytest.raises(NeurosimError, match="energies 6 and 0"):
        saved((6.0, 0.0), **what)


@pytest.mark.parametrize(("number", "text"), [(0.476, "0.48x"), (1.0, "1.00x"), (15.66, "15.7x"), (133.2, "133x")])
def test_factors_have_three_digits(number, text):
    assert times(number) == text
