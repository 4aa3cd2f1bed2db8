"""What a chip could do at best, by hand from its file, and never less than what a run does."""

import pytest

from neurosim import simulate
from neurosim.arch import load_chip
from neurosim.arch.roof import roof
from neurosim.report.figure_machine import work_done
from tests.study.small import workload


def test_by_hand():
    # 16 cores x 8 lanes / 2 ns; 16 cores x 2 banks / 2 ns.
    assert roof(load_chip("edge-28nm")) == {
        "events_per_s": pytest.approx(64e9), "words_per_s": pytest.approx(16e9), "word_bits": 64, "cores": 16
    }  # fmt: skip
    layer = load_chip("edge-28nm-layer")
    array = layer.core.array
    assert roof(layer)["events_per_s"] == pytest.approx(
        array.rows * array.columns / array.cycles_per_slot.dense / layer.clock.quantum_ps * 1e12
    )


def test_none_where_the_update_unit_reads_the_weights():
    chip = load_chip("edge-28nm")
    unit = chip.core.synapse.model_copy(update={"accumulates": "in_update"})
    assert roof(chip.model_copy(update={"core": chip.core.model_copy(update={"synapse": unit})})) is None


@pytest.mark.parametrize("chip", ["edge-28nm", "edge-28nm-layer", "loihi-2018"])
def test_no_run_is_above_it(chip):
    result = simulate(workload(), chip)
    done = work_done(result)
    assert 0 < done["events"] <= result.roof["events_per_s"] * result.seconds
    assert 0 < done["words"] <= result.roof["words_per_s"] * result.seconds
