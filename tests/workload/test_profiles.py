"""Profiles: what each name fixes, what can be changed, and how wrong text is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.workload.profiles import PROFILES, Profile, profile


@pytest.mark.parametrize(
    ("name", "dt", "compare", "reset", "late", "decay", "several", "start"),
    [
        ("snntorch", 1e-4, ">", "subtract", True, "euler", False, "zero"),
        ("spikingjelly", 1e-4, ">=", "hard", False, "euler", False, "reset"),
        ("sinabs", 1.0, ">=", "subtract", False, "exp", True, "zero"),
        ("norse", 1e-3, ">", "hard", False, "euler", False, "leak"),
        ("nir:dt=0.5", 0.5, ">", "hard", False, "euler", False, "zero"),
    ],
)
def test_the_five(name, dt, compare, reset, late, decay, several, start):
    p = profile(name)
    assert (p.dt, p.compare, p.reset, p.reset_delay) == (dt, compare, reset, late)
    assert (p.decay, p.multi_spike, p.start) == (decay, several, start)


def test_text_for_reports():
    assert profile("snntorch").text == (
        "snntorch: dt 0.0001, spike at v > threshold, reset subtract one step late, decay 1 - dt/tau"
    )
    text = profile("sinabs:v_min=-1,norm_input=false").text
    assert "several spikes a step" in text and "not below -1" in text and "not scaled by the leak" in text


@given(
    name=st.sampled_from(sorted(PROFILES)), dt=st.floats(1e-6, 10), compare=st.sampled_from([">", ">="]),
    reset=st.sampled_from(["hard", "subtract", "none"]), late=st.booleans(), v_min=st.none() | st.floats(-9, 0),
)  # fmt: skip
def test_spec_reads_back(name, dt, compare, reset, late, v_min):
    made = Profile(**{**PROFILES[name], "name": name, "dt": dt, "compare": compare, "reset": reset, "v_min": v_min,
                      "reset_delay": late, "multi_spike": False})  # fmt: skip
    assert profile(made.spec()) == made


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("brian", "expected one of snntorch, spikingjelly"),
        ("nir", "--profile nir:dt=1e-3"),
        ("nir:dt=0", "dt: got 0.0"),
        ("nir:dt=nan", "dt: got nan"),
        ("snntorch:reset=soft", "reset: got 'soft'"),
        ("snntorch:colour=red", "KEY=VALUE with a key of dt, compare"),
        ("snntorch:name=x", "expected KEY=VALUE"),
        ("snntorch:reset_delay=maybe", "expected true or false"),
        ("snntorch:dt=fast", "expected a number"),
        ("sinabs:compare=>", "multi_spike needs compare >="),
    ],
)
def test_wrong_text(spec, expected):
    with pytest.raises(NeurosimError) as error:
        profile(spec)
    assert expected in str(error.value)
