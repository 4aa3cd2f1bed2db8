"""Study files of kind learn: what is refused and in which words."""

import pytest

from neurosim.errors import NeurosimError
from neurosim.study.file import load_study
from tests.study.learn.small import TEXT, written


def test_the_shipped_study_loads():
    study = load_study("learning").study
    assert study.kind == "learn" and len(study.prices) == 3 and study.batches[0] == 1 and len(study.batches) > 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rules: [mpd-ed, std-ed]", "rules: [bptt, mpd-ed]", "are the baselines"),
        ("rules: [mpd-ed, std-ed]", "rules: [mpd-ed, mpd-ed]", "a value stands twice"),
        ("batches: [1, 4]", "batches: [4, 4]", "batches: a value stands twice"),
        ("batches: [1, 4]", "batchs: [1, 4]", "did you mean 'batches'"),
        ("rates: [0.02, 0.1, 0.4]", "rates: [0.1, 0.02]", "map.rates: not ascending"),
        ("rates: [0.02, 0.1, 0.4]", "rates: [0.1, 1.5]", "less than 1"),
        ("epochs: 1\ntimesteps: 8", "epochs: 0\ntimesteps: 8", "epochs: got 0"),
        ("sizes: [20, 20, 5]", "sizes: [20, 5]", "map.sizes"),
        ("timesteps: 4}", "steps: 4}", "steps"),
    ],
)
def test_refused(tmp_path, old, new, message):
    assert old in TEXT
    with pytest.raises(NeurosimError) as caught:
        load_study(written(tmp_path, TEXT.replace(old, new)))
    assert message in str(caught.value) and "study.yaml" in str(caught.value)
