"""The calibration: the range it reports is exactly what a membrane needs."""

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neurosim.compress.ranges import membrane_ranges
from neurosim.engine.function import run_function
from neurosim.snn import Dense, FloatCodec, Input, Leak, Lif, Network, Population, Projection, Stimulus
from tests.engine.strategies import cases


def test_by_hand():
    weights = np.array([[0.75, -2.0]], np.float32)
    network = Network(
        [Population("in", (1,), Input()), Population("a", (2,), Lif(1.0, Leak("multiply", factor=0.5)))],
        [Projection("in", "a", Dense(weights), FloatCodec())],
    )
    stimulus = Stimulus.from_dense(np.array([[1, 1, 0], [1, 0, 0]])[:, :, None])
    # Neuron 0: 0.75, then 0.375 + 0.75 = 1.125 spikes, 0.125 left, 0.0625. Neuron 1: -2, -3, -1.5.
    found = membrane_ranges(network, run_function(network, stimulus), {"a": 2})["a"]
    assert found.low.tolist() == [0.0625, -3.0] and found.high.tolist() == [1.125, -0.5]
    assert found.bound.tolist() == [1.125, 3.0] and found.updates == 12
    together = membrane_ranges(network, run_function(network, stimulus), {"a": 1}, clip=0.1)["a"]
    assert together.bound.tolist() == [2.0]


@settings(deadline=None, max_examples=80)
@given(cases(integer=True, graded=False), st.booleans())
def test_a_membrane_of_the_measured_range_never_clips_and_a_narrower_one_does(case, split):
    network, stimulus = case
    wide = []
    for p in network.populations:
        if isinstance(p.model, Lif):
            model = replace(p.model, membrane_bits=32, overflow="saturate", refractory=0)
            # A negative threshold pushes the membrane up after the limit, which is not what is watched.
            positive = model.threshold is None or (model.threshold > 0).all()
            assume(positive and model.v_reset >= -2)
            p = replace(p, model=model)
        wide.append(p)
    network = replace(network, populations=tuple(wide))
    trace = run_function(network, stimulus)
    groups = {p.name: p.shape[0] if split else 1 for p in wide if isinstance(p.model, Lif)}
    ranges = membrane_ranges(network, trace, groups)
    for p in wide:
        if not isinstance(p.model, Lif):
            continue
        low, high = int(ranges[p.name].low.min()), int(ranges[p.name].high.max())
        bits = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1
        largest = max(np.abs(getattr(p.model, n)).max() for n in ("bias", "v_init") if getattr(p.model, n) is not None)
        largest = max(largest, 3, 0 if p.model.threshold is None else p.model.threshold.max())
        for width, clips in ((bits, False), (bits - 1, True)):
            if width < 2 or (1 << (width - 1)) <= largest or width > 32:
                continue
            model = replace(p.model, membrane_bits=width)
            # Everything else stays wide, so only this population can clip.
            changed = [replace(q, model=model) if q.name == p.name else q for q in wide]
            again = run_function(replace(network, populations=tuple(changed)), stimulus)
            assert (again.saturations[network.index[p.name]] > 0) == clips
