"""Products of spike populations: the two engines against each other and against plain formulas."""

import numpy as np
from hypothesis import HealthCheck, given, settings

from neurosim.engine.fast.function import fast_function
from neurosim.engine.reference.function import reference_function
from neurosim.snn import AndPopcount, MaskedSum
from tests.engine.attention import attention, attention_cases, lif, stimulus
from tests.engine.test_function import check_equal

QUICK = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@given(attention_cases())
@QUICK
def test_fast_equals_reference(case):
    check_equal(case)


def planes(trace, network, name):
    """(samples, timesteps, *shape) of 0 and 1."""
    i = network.index[name]
    raster = trace.dense(int(network.offsets[i]), int(network.offsets[i + 1]))
    return raster.reshape(*raster.shape[:2], *network.populations[i].shape).astype(np.int64)


def test_maps_and_sums_are_those_of_matrix_products():
    heads, per_head, n = 2, 4, 6
    network = attention(heads, per_head, (2, 3), map_model=lif(2), mixed_model=lif(3, "hard"), seed=3)
    given_spikes = stimulus(network, 3, 4, 0.4)
    for engine in (reference_function, fast_function):
        trace = engine(network, given_spikes)
        query, key, value, maps, mixed = (planes(trace, network, name) for name in
                                          ("query", "key", "value", "map", "mixed"))  # fmt: skip
        assert 0 < maps.mean() < 1 and 0 < mixed.mean() < 1
        q, k, v = (x.reshape(3, 4, heads, per_head, n) for x in (query, key, value))
        for sample in range(3):
            state, out = np.zeros((heads, n, n), int), np.zeros((heads, per_head, n), int)
            for t in range(4):
                state = state - (state >> 1) + q[sample, t].transpose(0, 2, 1) @ k[sample, t]
                fired = state >= 2
                state -= 2 * fired
                assert np.array_equal(fired, maps[sample, t])
                out = out - (out >> 1) + v[sample, t] @ maps[sample, t].transpose(0, 2, 1)
                fired = out >= 3
                out[fired] = 0
                assert np.array_equal(fired.reshape(mixed[sample, t].shape), mixed[sample, t])


def test_listed_connections_say_the_same_as_the_operators():
    """`to_csr` of both halves: a target's sum is the number of pairs that reach it over one channel or token."""
    rng = np.random.default_rng(0)
    heads, shape, n = 2, (6, 5), 5
    q, k, v = (rng.random(shape) < 0.5 for _ in range(3))
    mask = rng.random((heads, n, n)) < 0.5
    query, key = (AndPopcount(heads, name).to_csr(shape, (heads, n, n)) for name in ("query", "key"))
    for target in range(heads * n * n):
        sources = [{s for s in range(30) if target in c[1][c[0][s] : c[0][s + 1]]} for c in (query, key)]
        assert {s // n for s in sources[0]} == {s // n for s in sources[1]}
        h, i, j = np.unravel_index(target, (heads, n, n))
        assert sources[0] == {(h * 3 + c) * n + i for c in range(3)}
        assert sources[1] == {(h * 3 + c) * n + j for c in range(3)}
        expected = (q[h * 3 : h * 3 + 3, i] & k[h * 3 : h * 3 + 3, j]).sum()
        assert expected == sum(q.ravel()[a] and k.ravel()[a - i + j] for a in sources[0])
    masks, values = (
        MaskedSum(heads, "mask").to_csr((heads, n, n), shape),
        MaskedSum(heads, "value").to_csr(shape, shape),
    )
    for target in range(30):
        c, i = divmod(target, n)
        by_mask = {s for s in range(heads * n * n) if target in masks[1][masks[0][s] : masks[0][s + 1]]}
        by_value = {s for s in range(30) if target in values[1][values[0][s] : values[0][s + 1]]}
        assert by_mask == {((c // 3) * n + i) * n + j for j in range(n)}
        assert by_value == {c * n + j for j in range(n)}
        pairs = zip(sorted(by_mask), sorted(by_value), strict=True)
        assert (mask[c // 3, i] & v[c]).sum() == sum(mask.ravel()[a] and v.ravel()[b] for a, b in pairs)
