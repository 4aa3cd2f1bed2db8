"""Convolutions with many source channels: the pixel-by-pixel kernel sums what the reference does."""

import numpy as np
import pytest

from neurosim.engine.fast.function import fast_function
from neurosim.engine.fast.function_plan import IN_PIXELS
from neurosim.engine.reference.function import reference_function
from neurosim.snn import Conv2d, Input, IntCodec, Lif, Network, Population, Projection, Stimulus
from tests.engine.test_function import same


def network(channels, size, kernel, bits, value_bits, extra):
    rng = np.random.default_rng([channels, size, kernel, bits, value_bits])
    high = 1 << (bits - 1)
    out = 5
    same_size = (kernel // 2, kernel // 2)
    weights = rng.integers(-high, high, (out, channels, kernel, kernel)).astype(np.int32)
    populations = [
        Population("in", (channels, size, size), Input(value_bits=value_bits)),
        Population("out", (out, size, size), Lif(3 * high, reset="subtract", membrane_bits=30)),
    ]
    codec = {"codec": IntCodec(bits)}
    projections = [Projection("in", "out", Conv2d(weights, (1, 1), same_size), **codec)]
    if extra:
        # Another delay, so another bucket of spikes, into the same sums.
        late = Conv2d(weights[:, ::-1].copy(), (1, 1), same_size)
        projections.append(Projection("in", "out", late, delay=2, **codec))
    return Network(populations, projections)


@pytest.mark.parametrize("density", [0.02, 0.3, 1.0])
@pytest.mark.parametrize("channels", [3, 4, 7])
@pytest.mark.parametrize(("kernel", "bits", "value_bits"), [(1, 8, 1), (3, 4, 1), (3, 8, 3), (5, 12, 2)])
def test_sums_and_marks(density, channels, kernel, bits, value_bits):
    net = network(channels, 6, kernel, bits, value_bits, extra=density == 0.3)
    rng = np.random.default_rng(7)
    spikes = rng.random((2, 4, channels, 6, 6)) < density
    values = rng.integers(1, 1 << value_bits, spikes.shape) if value_bits > 1 else 1
    stimulus = Stimulus.from_dense((spikes * values).astype(np.int32))
    same(reference_function(net, stimulus), fast_function(net, stimulus, threads=1))


def test_the_cases_reach_the_kernel():
    """Both sides of the rule are met: by pixel pays from four channels and one spike for two pixels."""
    from neurosim.engine.fast.by_pixel import by_pixel_pays
    from neurosim.engine.fast.compile import kernel
    from neurosim.engine.fast.function import plan_of

    @kernel
    def pays(weights, q, n_spikes):
        return by_pixel_pays(weights, q, n_spikes)

    tables = plan_of(network(4, 6, 3, 8, 1, False)).tables
    q = tables.proj[0]
    assert q[IN_PIXELS] == 36
    assert pays(tables.w8, q, 18) and not pays(tables.w8, q, 17)
    assert not pays(tables.w16, q, 36)
    assert not pays(tables.w8, plan_of(network(3, 6, 3, 8, 1, False)).tables.proj[0], 36)
