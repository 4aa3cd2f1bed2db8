"""Jobs: order, reasons, and bugs that are not hidden."""

import pytest

from neurosim.errors import NeurosimError
from neurosim.study.jobs import run_jobs


def twice(number, threads=None):
    if number == 2:
        raise NeurosimError("two is refused")
    return 2 * number


def broken(number):
    raise ZeroDivisionError


@pytest.mark.parametrize("processes", [1, 2])
def test_order_and_reasons(processes):
    told = []
    found = run_jobs(twice, [{"number": n} for n in (1, 2, 3)], processes, told.append)
    assert [(o.result, o.reason) for o in found] == [(2, None), (None, "two is refused"), (6, None)]
    assert told == [1, 2, 3]


def test_a_bug_is_not_a_reason():
    with pytest.raises(ZeroDivisionError):
        run_jobs(broken, [{"number": 1}], 1)
