"""Frames to events: one pixel by hand, laws of many, and the bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.workload import contrast
from neurosim.workload.contrast import Contrast, frames_to_events
from neurosim.workload.encoder import encode


def pixel(log_levels, **model):
    """One pixel whose log(I + floor) takes the given values above log(0.01)."""
    light = 0.01 * np.exp(np.array(log_levels, float)) - 0.01
    return frames_to_events(light.reshape(-1, 1, 1), Contrast(**model))


def test_crossings_lie_on_the_straight_line():
    """0 to 1 in 1000 us with steps of 0.3: at 300, 600 and 900 us; then back to 0.35 from 0.9: at 0.6 only."""
    events = pixel([0, 1, 0.35], on=0.3, off=0.3)
    assert events["p"].tolist() == [True] * 3 + [False]
    np.testing.assert_allclose(events["t"], [300, 600, 900, 1000 + 400 / 0.65], atol=1.01)


def test_thresholds_of_their_own_and_a_still_pixel():
    assert pixel([0, 1, 0], on=0.6, off=0.25)["p"].tolist() == [True, False, False]
    assert pixel([1, 1, 1]).size == 0


def test_a_refractory_pixel_loses_events_and_moves_on():
    """Crossings at 300, 600 and 900 us; the second is 300 us after the first and lost, the third is seen."""
    events = pixel([0, 1], on=0.3, off=0.3, refractory_us=400)
    np.testing.assert_allclose(events["t"], [300, 900], atol=1.01)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 0.5), st.floats(0.05, 0.5))
def test_events_add_up_to_the_light(seed, on, off):
    """ON events x theta - OFF events x theta stay within a threshold of the change in log intensity, at every frame."""
    frames = np.random.default_rng(seed).random((5, 3, 4))
    events = frames_to_events(frames, Contrast(on=on, off=off))
    assert (np.diff(events["t"]) >= 0).all()
    log = np.log(frames + 0.01)
    for k in range(1, 5):
        total = np.zeros((3, 4))
        here = events[events["t"] < k * 1000]
        np.add.at(total, (here["y"], here["x"]), np.where(here["p"], on, -off))
        # An event of the last microsecond may stand at the frame itself.
        assert (np.abs(log[k] - log[0] - total) < max(on, off) * 2).all()
    total = np.zeros((3, 4))
    np.add.at(total, (events["y"], events["x"]), np.where(events["p"], on, -off))
    assert (np.abs(log[-1] - log[0] - total) < max(on, off) + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 3000))
def test_no_two_events_of_a_pixel_within_its_refractory_time(seed, refractory):
    frames = np.random.default_rng(seed).random((6, 2, 2))
    events = frames_to_events(frames, Contrast(refractory_us=refractory))
    for where in range(4):
        mine = events["t"][(events["y"] * 2 + events["x"]) == where]
        assert (np.diff(mine) >= np.floor(refractory)).all()


def test_mismatch_is_of_the_pixels_and_by_seed():
    frames = np.linspace(0, 1, 5)[:, None, None] * np.ones((1, 20, 20))
    same = frames_to_events(frames, Contrast())
    assert (np.bincount(same["y"] * 20 + same["x"]) == same.size // 400).all()
    spread = [frames_to_events(frames, Contrast(mismatch=0.2), seed=s) for s in (1, 1, 2)]
    assert np.array_equal(spread[0], spread[1]) and not np.array_equal(spread[0], spread[2])
    assert len(set(np.bincount(spread[0]["y"] * 20 + spread[0]["x"]).tolist())) > 3


def test_bins_are_of_the_frames_not_of_the_events():
    """A pixel that changes between the third frame and the fourth only spikes in the third step."""
    frames = np.zeros((1, 4, 1, 2))
    frames[0, 3, 0, 1] = 0.05
    stimulus = encode(frames, "frames:values=true")
    assert stimulus.timesteps == 3 and np.diff(stimulus.ptr).tolist() == [0, 0, 1]
    assert stimulus.neuron.tolist() == [2 + 1] and stimulus.value.tolist() == [int(np.log(6) / 0.2)]


def test_bounds(monkeypatch):
    with pytest.raises(NeurosimError, match=r"\(frames, height, width\)"):
        frames_to_events(np.zeros((3, 3)))
    with pytest.raises(NeurosimError, match="expected uint8 pixels or 0 to 1"):
        frames_to_events(np.full((3, 3, 3), 7.0))
    monkeypatch.setattr(contrast, "MAX_EVENTS", 10)
    with pytest.raises(NeurosimError, match="over 10 events by frame 1 of 2"):
        frames_to_events(np.array([np.zeros((4, 4)), np.ones((4, 4))]))
