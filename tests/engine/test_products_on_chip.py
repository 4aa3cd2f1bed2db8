"""Products on the chip: both engines agree in every cycle and count, and the counts are those written down."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neurosim.arch import load_chip
from neurosim.arch.prices import PriceSpec
from neurosim.errors import NeurosimError
from neurosim.mapping.map import map_network
from neurosim.mapping.support import check_support
from neurosim.run import simulate, simulate_stages
from tests.engine.attention import attention, attention_cases, stimulus
from tests.mapping.strategies import changed
from tests.test_run import check_laws, chips, same


@st.composite
def product_chips(draw):
    """A random chip that can multiply spikes by spikes."""
    chip = draw(chips())
    unit = load_chip("edge-28nm").core.products
    unit = unit.model_copy(
        update={"popcount_cycles": draw(st.integers(1, 3)), "masked_cycles_per_group": draw(st.integers(1, 3))}
    )
    names = ("operand_write", "operand_read", "and_popcount", "masked_accumulate")
    extra = {name: PriceSpec(pj=k + 1.0, source=next(iter(chip.sources))) for k, name in enumerate(names)}
    chip = chip.model_copy(update={"energy": {**chip.energy, **extra}})
    for path, value in {
        "delivery": "same_step", "core.update_policy": "all", "core.products": unit,
        "core.synaptic_memory.bank_conflicts": False, "core.membrane_memory.bank_conflicts": False,
        "core.membrane_memory.word_bits": draw(st.sampled_from([8, 16, 32])),
    }.items():  # fmt: skip
        chip = changed(chip, path, value)
    return chip


@given(attention_cases(late=False), product_chips())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_reference_and_fast_engine_agree(case, chip):
    network, spikes = case
    options = {"capacity": "report", "log": True}
    try:
        fast = simulate_stages(network, chip, spikes, **options)
    except NeurosimError as refusal:
        assert any(text in str(refusal) for text in ("cannot be spread", "relay value", "no zero")), refusal
        assume(False)
    same(simulate_stages(network, chip, spikes, engine="reference", **options), fast)
    check_laws(network, simulate(network, chip, spikes, capacity="report"), fast)


def small(samples=2, timesteps=3):
    network = attention(2, 6, (3, 3), seed=5)
    return network, stimulus(network, samples, timesteps, 0.4)


def test_counts_are_those_of_the_contract():
    """One core a population: every number again from the trace and the sizes. Words of 4 bits: two for 6 channels."""
    network, spikes = small()
    chip = changed(load_chip("edge-28nm"), "core.membrane_memory.word_bits", 4)
    chip = changed(chip, "core.membrane_memory.capacity_bits", 1 << 20)
    stages = simulate_stages(network, chip, spikes)
    activity = simulate(network, chip, spikes).activity
    by_population = np.split(stages.trace.counts_by_neuron(), network.offsets[1:-1])
    fired = {p.name: int(counts.sum()) for p, counts in zip(network.populations, by_population, strict=True)}
    heads, per_head, n, words, steps = 2, 6, 9, 2, 2 * 3
    assert fired["query"] and fired["key"] and fired["map"] and fired["value"]
    assert activity.total("operand_write") == fired["query"] + fired["key"] + fired["value"]
    assert activity.total("and_popcount") == steps * heads * n * n * words
    rows = steps * heads * n * words
    assert activity.total("operand_read") == steps * heads * n * n * words + rows + fired["map"] * words
    assert activity.total("masked_accumulate") == fired["map"] * per_head
    assert stages.mapping.cores_used == len(network.populations) - 1


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_a_map_takes_a_popcount_for_each_group_of_its_elements(engine):
    """A silent input: what remains is the walk. 2 x 81 elements in groups of 4 lanes, 2 quanta each, 3 words more."""
    network, _ = small()
    chip = changed(load_chip("edge-28nm"), "core.membrane_memory.word_bits", 2)
    chip = changed(chip, "core.membrane_memory.capacity_bits", 1 << 20)
    silent = stimulus(network, 1, 1, 0.0)
    stages = simulate_stages(network, chip, silent, engine=engine)
    place = next(b.core for b in stages.mapping.blocks if b.population == "map")
    level = int(stages.mapping.level[network.index["map"]])
    groups = -(-2 * 81 // 4)
    assert stages.timing.update_busy[level, place] == groups * (2 + 3)


def test_operand_rows_lie_in_the_membrane_memory():
    network, _ = small()
    mapping = map_network(network, load_chip("edge-28nm"))
    found = {(line.part, line.content): line.used_bits for line in mapping.memory if line.memory == "membrane_memory"}
    # 18 rows of 6 bits, each in a word of 32.
    for part in ("query->map", "key->map", "value->mixed"):
        assert found[part, "operand"] == 18 * 6
        assert found[part, "padding"] == 18 * 26
    assert not any(part == "map->mixed" for part, _ in found)
    assert not any(line.memory == "synaptic_memory" and line.part == "key->map" for line in mapping.memory)


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_a_map_cut_by_rows_keeps_only_its_queries(cores):
    """Blocks hold the keys of their heads and the queries of their rows; together they compute each element once."""
    network, spikes = small()
    chip = load_chip("edge-28nm")
    whole = simulate(network, chip, spikes)
    placement = np.concatenate([
        np.full(p.n_neurons, -1) if p.name == "input" else np.full(p.n_neurons, 5 + i)
        for i, p in enumerate(network.populations)
    ])  # fmt: skip
    start = int(network.offsets[network.index["map"]])
    placement[start : start + 162] = np.arange(162) * cores // 162
    cut = simulate(network, chip, spikes, placement=placement)
    assert cut.activity.total("and_popcount") == whole.activity.total("and_popcount")
    assert cut.activity.total("masked_accumulate") == whole.activity.total("masked_accumulate")
    mapping = map_network(network, chip, placement=placement)
    operands = sum(u.used_bits for u in mapping.memory if (u.part, u.content) == ("query->map", "operand"))
    shared_rows = sum((81 * 2 * k // cores) % 9 != 0 for k in range(1, cores))
    assert operands == (18 + shared_rows) * 6
    stages = [
        simulate_stages(network, chip, spikes, placement=placement, engine=engine, log=True)
        for engine in ("fast", "reference")
    ]
    same(*stages)


@pytest.mark.parametrize("name", ["loihi-2018", "loihi-silicon", "ranc", "edge-28nm-layer"])
def test_other_chips_refuse_products_by_name(name):
    network, _ = small()
    with pytest.raises(NeurosimError) as refusal:
        check_support(network, load_chip(name))
    text = str(refusal.value)
    assert "core.products" in text and name in text and "edge-28nm" in text


def test_values_that_come_with_the_mask_are_refused():
    network = attention(2, 3, (2, 2), late_value=True)
    with pytest.raises(NeurosimError, match="the value must be of a lower level"):
        map_network(network, load_chip("edge-28nm"))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("core.update_policy", "touched", "core.update_policy all, got touched"),
        ("core.membrane_memory.bank_conflicts", True, "bank_conflicts False, got True"),
        ("core.synaptic_memory.bank_conflicts", True, "bank_conflicts False, got True"),
        ("core.synapse.accumulates", "in_update", "accumulates on_arrival"),
        ("delivery", "next_step", "same_step"),
    ],
)
def test_a_chip_that_could_not_compute_products_in_time_refuses_them(field, value, text):
    with pytest.raises(NeurosimError, match=text):
        check_support(small()[0], changed(load_chip("edge-28nm"), field, value))
