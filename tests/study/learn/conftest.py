import pytest

from neurosim.learning.engine import load_learner
from neurosim.study.file import load_study
from neurosim.study.learn.runs import run_study
from tests.study.learn.small import written


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    """The small study, run once; stages and counts of its progress."""
    study = load_study(written(tmp_path_factory.mktemp("study"))).study
    told = []
    runs = run_study(study, [load_learner(name) for name in study.prices], 1, lambda *what: told.append(what))
    return runs, told
