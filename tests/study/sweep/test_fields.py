"""Fields that an axis can set."""

import pytest

from neurosim.errors import NeurosimError
from neurosim.study.sweep.fields import CONSTANT, ENERGY, FUNCTION, TIMING, changed_chip, stage_of
from neurosim.study.sweep.inputs import read_inputs
from neurosim.study.sweep.run import make_design
from tests.study.sweep.small import study


def inputs(folder, **keys):
    file = study(folder, **keys)
    return read_inputs(file, make_design(file.study, str(file.path)))


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("samples", FUNCTION), ("quantize.weight_bits", FUNCTION), ("chip", TIMING),
        ("chip.core.synapse.lanes", TIMING), ("capacity", TIMING), ("chip.clock.quantum_ps", ENERGY),
        ("technology.node_nm", ENERGY),
        ("chip.leakage.0.power_mw", ENERGY), ("energy.axon_read.pj", CONSTANT), ("leakage.*.factor", CONSTANT),
    ],
)  # fmt: skip
def test_the_first_stage_that_reads_a_field(name, stage):
    assert stage_of(name) == stage


@pytest.mark.parametrize(
    ("axis", "values", "message"),
    [
        ("sampels", [1], "unknown axis; did you mean 'samples'"),
        ("chip.core.synapse.laens", [1], "axes.chip.core.synapse.laens: .*unknown key; did you mean 'lanes'"),
        ("chip.core.neurons.x", [1], "unknown axis; chip.core.neurons is one value"),
        ("chip.leakage.99.component", [1], "'99' is not a number of 0 to"),
        ("chip.energy.axon_raed.pj", [1], "unknown action; did you mean 'axon_read'"),
        ("technology.nodes", [28], "unknown key"),
        ("energy.axon_raed.pj", [1], "unknown axis; did you mean 'energy.axon_read'"),
        ("energy.idle_clock.pj", [1], "unknown axis"),
        ("energy.axon_read", [1], "expected energy.ACTION.pj or .factor"),
        ("leakage.router.pj", [1], "expected leakage.COMPONENT.factor"),
        ("energy.axon_read.pj", [-1], "at least 0"),
        ("energy.axon_read.factor", ["x"], "at least 0"),
        ("quantize.weihgt_bits", [4], "did you mean 'quantize.weight_bits'"),
        ("samples", [0], "at least 1"),
        ("chip", [3], "expected a name"),
        ("chip", ["edge-28mn"], "Did you mean 'edge-28nm'"),
        ("chip", ["tinyodin"], "execution 'barrier'"),
        ("workload", ["nothing-there"], "no shipped workload"),
        ("mapping", ["nothing.yaml"], "cannot be read"),
    ],
)
def test_refused_with_the_nearest_name(tmp_path, axis, values, message):
    with pytest.raises(NeurosimError, match=message):
        inputs(tmp_path, axes={axis: values})


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"cycles": {"sets": "samples", "values": [1]}}, "cycles: is the name of a column"),
        ({"a": {"sets": "samples", "values": [1]}, "samples": [2]}, "axes.samples: sets samples, which a sets already"),
    ],
)
def test_names_and_fields_have_one_meaning(tmp_path, axes, message):
    with pytest.raises(NeurosimError, match=message):
        inputs(tmp_path, axes=axes)


def test_the_key_is_the_content(tmp_path):
    same = inputs(tmp_path, axes={"samples": [1, 2]}).key
    assert inputs(tmp_path, axes={"samples": [1, 2]}, title="another title").key == same
    assert inputs(tmp_path, axes={"samples": [1, 3]}).key != same
    assert inputs(tmp_path, axes={"samples": [1, 2]}, timesteps=4).key != same
    from tests.study.sweep.small import write_tiny

    write_tiny(tmp_path, seed=7)
    assert inputs(tmp_path, axes={"samples": [1, 2]}).key != same


def test_paths_into_a_chip_file():
    data = {"a": {"b": 1}, "c": [{"d": 2}], "t": {1: 4, 16: 12}}
    changes = [(("a", "b"), 5), (("c", "0", "d"), 6), (("t", "16"), 7), (("new", "part"), 8)]
    assert changed_chip(data, changes) == {"a": {"b": 5}, "c": [{"d": 6}], "t": {1: 4, 16: 7}, "new": {"part": 8}}
    assert data == {"a": {"b": 1}, "c": [{"d": 2}], "t": {1: 4, 16: 12}}
