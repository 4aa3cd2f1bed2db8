"""Fixtures that several rooms use. Imports wait until a test asks."""

import pytest


@pytest.fixture(scope="session")
def learn_study(tmp_path_factory):
    """A small learning study, run once, and what its progress was told."""
    from neurosim.learning.engine import load_learner
    from neurosim.study.file import load_study
    from neurosim.study.learn.runs import run_study
    from tests.study.learn.small import written

    study = load_study(written(tmp_path_factory.mktemp("study"))).study
    told = []
    runs = run_study(study, [load_learner(name) for name in study.prices], 1, lambda *what: told.append(what))
    return runs, told
