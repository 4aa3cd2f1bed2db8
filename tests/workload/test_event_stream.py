"""Streams of events into timesteps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.workload.encoder import encode
from neurosim.workload.event_stream import EVENT, event_array, events_to_stimulus


def stream(*rows):
    return np.array(list(rows), EVENT)


def random_events(seed, n=50, width=5, height=4, span=1000):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(0, span, n)) + 7
    return event_array({"x": rng.integers(0, width, n), "y": rng.integers(0, height, n), "t": time,
                        "p": rng.integers(0, 2, n)})  # fmt: skip


def cells(stimulus):
    rows = np.repeat(np.arange(stimulus.ptr.size - 1), np.diff(stimulus.ptr))
    value = np.ones(rows.size) if stimulus.value is None else stimulus.value
    return list(zip(rows.tolist(), stimulus.neuron.tolist(), value.tolist(), strict=True))


def test_by_hand():
    """Two polarities of 2 x 3 pixels: neuron (p 2 + y) 3 + x. Steps of 10 from the first event, at 100."""
    events = stream((0, 0, 100, 0), (2, 1, 105, 1), (2, 1, 109, 1), (1, 0, 110, 1), (0, 1, 139, 0))
    made = events_to_stimulus([events], (2, 2, 3), step=10)
    assert made.timesteps == 4 and made.value is None
    assert cells(made) == [(0, 0, 1), (0, 11, 1), (1, 7, 1), (3, 3, 1)]
    counted = events_to_stimulus([events], (2, 2, 3), step=10, values=True)
    assert cells(counted) == [(0, 0, 1), (0, 11, 2), (1, 7, 1), (3, 3, 1)]
    merged = events_to_stimulus([events], (1, 2, 3), 2)
    assert cells(merged) == [(0, 0, 1), (0, 1, 1), (0, 5, 1), (1, 3, 1)]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_no_event_is_lost(seed, steps):
    recordings = [random_events(seed), random_events(seed + 1, n=20, span=77)]
    made = events_to_stimulus(recordings, (2, 4, 5), steps, values=True)
    value = np.ones(made.neuron.size, int) if made.value is None else made.value
    for number, events in enumerate(recordings):
        here = slice(made.ptr[number * steps], made.ptr[(number + 1) * steps])
        assert value[here].sum() == events.size
        pixels = np.bincount(made.neuron[here], value[here], minlength=40)
        assert np.array_equal(pixels, np.bincount((events["p"] * 4 + events["y"]) * 5 + events["x"], minlength=40))


def test_an_empty_recording_is_a_silent_sample():
    made = events_to_stimulus([stream(), stream((0, 0, 5, 1))], (2, 1, 1), 3, labels=np.array([1, 2]))
    assert (made.n_samples, made.timesteps) == (2, 3) and cells(made) == [(3, 1, 1)]
    assert events_to_stimulus([stream()], (2, 1, 1), step=3).timesteps == 1


def test_any_of_the_usual_arrays():
    want = stream((1, 2, 30, 1), (3, 4, 50, 0))
    columns = {"x": np.array([3, 1]), "y": np.array([4, 2]), "timestamp": np.array([50, 30]), "on": np.array([0, 1])}
    assert np.array_equal(event_array(columns), want)
    assert np.array_equal(event_array(np.array([[1, 2, 30, 1], [3, 4, 50, -1]])), want)
    other = np.zeros(2, [("t", "u8"), ("x", "u2"), ("y", "u2"), ("p", "i1")])
    for name in "xytp":
        other[name] = want[name]
    assert np.array_equal(event_array(other), want)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (np.zeros((3, 3)), "float64 (3, 3), expected x, y, t, p"),
        ({"x": np.zeros(1), "y": np.zeros(1), "t": np.zeros(1)}, "no field 'p'; it has x, y, t"),
        (np.array([[0, 0, 0, 2]]), "p of event 0: got 2, expected a whole number of -1 to 1"),
        (np.array([[0, 0, 0, 0], [-1, 0, 0, 0]]), "x of event 1: got -1"),
        (np.array([[0, 40000, 0, 0]]), "y of event 0: got 40000, expected a whole number of 0 to 32767"),
        (np.array([[0, 0, 0.5, 0]]), "t of event 0: got 0.5"),
        (np.array([[0, 0, np.nan, 0]]), "t of event 0: got nan"),
        ({key: np.zeros(n) for key, n in (("x", 1), ("y", 1), ("t", 2), ("p", 1))}, "as many of each"),
        ({key: np.array(["a"]) for key in "xytp"}, "expected numbers"),
    ],
)
def test_bad_arrays_are_named(source, said):
    with pytest.raises(NeurosimError) as error:
        event_array(source, "my.npy")
    assert said in str(error.value) and str(error.value).startswith("my.npy: ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shape": (2, 4, 5)}, "give a number of timesteps, or the length of a step"),
        ({"shape": (3, 4, 5), "timesteps": 2}, "expected (2, height, width), or (1, height, width)"),
        ({"shape": (2, 4, 3), "timesteps": 2}, "is outside the 3 x 4 inputs; crop or scale the events"),
        ({"shape": (2, 4, 5), "timesteps": 2, "step": 10}, "past timestep 1 (steps of 10); give"),
        ({"shape": (2, 4, 5), "timesteps": 0}, "timesteps: got 0"),
        ({"shape": (2, 4, 5), "timesteps": 1 << 28}, "expected at most 134217728 in all; give longer steps"),
    ],
)
def test_bad_requests_are_named(options, said):
    with pytest.raises(NeurosimError) as error:
        events_to_stimulus([random_events(1)], **options)
    assert said in str(error.value)


def test_events_may_be_cut():
    events = stream((0, 0, 0, 1), (0, 0, 25, 1), (1, 0, 9, 0))
    made = encode(np.sort(events, order="t"), "events", 2, shape=(2, 1, 2), step=10, cut=True)
    assert made.timesteps == 2 and cells(made) == [(0, 1, 1), (0, 2, 1)]


def test_times_too_far_apart():
    events = stream((0, 0, 0, 1), (0, 0, 2**61, 1))
    with pytest.raises(NeurosimError, match="is t in microseconds"):
        events_to_stimulus([events], (2, 1, 1), 8)


def test_the_camera_may_be_given_by_its_size():
    events = stream((4, 0, 0, 1))
    assert encode(events, "events:width=5,height=1", 1).n_inputs == 10
    for spec in ("events", "events:width=5"):
        with pytest.raises(NeurosimError, match="width=W,height=H"):
            encode(events, spec, 1)
    with pytest.raises(NeurosimError, match="2 labels for 1 recordings"):
        encode(events, "events:width=5,height=1", 1, labels=np.zeros(2, int))
