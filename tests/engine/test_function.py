"""The fast engine equals the reference in every field; results do not depend on threads or chunks."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import cases

from neurosim.engine.fast.function import fast_function
from neurosim.engine.reference.function import reference_function
from neurosim.errors import NeurosimError

QUICK = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=8000, deadline=None, suppress_health_check=list(HealthCheck))


def same(left, right):
    """Every field of two traces, dtypes, signs of zero and NaN included."""
    for field in fields(left):
        a, b = getattr(left, field.name), getattr(right, field.name)
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            assert (a.dtype, a.shape) == (b.dtype, b.shape), field.name
            assert a.tobytes() == b.tobytes(), f"{field.name}: {a} != {b}"
        else:
            assert a is b or a == b, field.name


def outcome(engine, *case, **options):
    """The trace, or the message of the refusal."""
    try:
        return engine(*case, **options)
    except NeurosimError as error:
        return str(error)


def check_equal(case):
    reference, fast = outcome(reference_function, *case), outcome(fast_function, *case, threads=1)
    if isinstance(reference, str):
        assert reference == fast
    else:
        same(reference, fast)


@given(cases())
@QUICK
def test_fast_equals_reference(case):
    check_equal(case)


@pytest.mark.slow
@given(cases(max_neurons=120, max_layers=6, max_timesteps=12))
@LONG
def test_fast_equals_reference_at_length(case):
    check_equal(case)
