"""What the description computes by itself: barrier tables, counts, hashes; and that it cannot be changed."""

import pytest
from pydantic import ValidationError

from neurosim.arch import load_chip
from neurosim.arch.schema import Barrier, Chip


@pytest.mark.parametrize(
    ("tiles", "step", "linear"),
    [(1, 100, 100), (2, 200, 200), (3, 200, 300), (4, 400, 400), (5, 400, 430), (13, 400, 670), (24, 1000, 1000),
     (500, 1000, 1000)],
)  # fmt: skip
def test_barrier_table(tiles, step, linear):
    cycles = {4: 400, 1: 100, 24: 1000, 2: 200}
    assert Barrier(cycles=cycles, rule="step").cycles_for(tiles) == step
    assert Barrier(cycles=cycles, rule="linear").cycles_for(tiles) == linear


def test_below_the_first_entry_the_first_holds():
    for rule in ("step", "linear"):
        assert Barrier(cycles={4: 400, 8: 800}, rule=rule).cycles_for(1) == 400


def test_a_barrier_is_a_table_or_messages():
    assert Barrier(kind="messages", root=(1, 2), combine=True).cycles_for(5) == 0
    with pytest.raises(ValidationError, match="cycles: expected with kind: constant"):
        Barrier()
    with pytest.raises(ValidationError, match="cycles: expected only with kind: constant"):
        Barrier(kind="messages", cycles={1: 1})


def with_fields(**changes):
    """edge-28nm as plain data with parts replaced, read again; double underscores stand for dots."""
    data = load_chip("edge-28nm").model_dump(by_alias=True)
    for path, value in changes.items():
        *parts, last = path.split("__")
        place = data
        for part in parts:
            place = place[part]
        place[last] = value
    return Chip.model_validate(data)


def test_messages_need_a_root_on_the_chip_and_a_price():
    priced = {"energy__barrier_message_hop": {"included_in": "barrier"}}
    assert with_fields(barrier={"kind": "messages", "root": [3, 3]}, **priced).barrier.root == (3, 3)
    with pytest.raises(ValidationError, match=r"barrier.root: got \[4, 0\], expected host or at most \[3, 3\]"):
        with_fields(barrier={"kind": "messages", "root": [4, 0]}, **priced)
    with pytest.raises(ValidationError, match="no price for barrier_message_hop"):
        with_fields(barrier={"kind": "messages"})


def test_a_serial_synapse_unit_has_no_fill():
    with pytest.raises(ValidationError, match="fill_cycles: got 3, expected 0 with overlap: serial"):
        with_fields(core__synapse__overlap="serial", core__synapse__fill_cycles=3)


def test_barrier_of_the_presets():
    edge, old, silicon = (load_chip(n).barrier for n in ("edge-28nm", "loihi-2018", "loihi-silicon"))
    assert [edge.cycles_for(n) for n in (1, 2, 4, 16)] == [4, 5, 6, 12]
    # 113 ns and 465 ns on a straight line: 352/31 ns a tile; 5 tiles are 113 + 4 * 352/31 = 158.4 ns.
    assert [old.cycles_for(n) for n in (1, 5, 32)] == [1130, 1584, 4650]
    assert [silicon.cycles_for(n) for n in (1, 2, 3, 4, 28, 29, 32)] == [6000, 10000, 10000, 14000, 14000, 18000, 18000]


def test_counts_of_the_presets():
    assert [(load_chip(n).mesh.n_tiles, load_chip(n).n_cores) for n in ("edge-28nm", "loihi-2018")] == [
        (16, 16), (32, 128),
    ]  # fmt: skip


def test_a_chip_cannot_be_changed():
    chip = load_chip("edge-28nm")
    with pytest.raises(ValidationError, match="frozen"):
        chip.core.neurons = 1


def test_the_hash_follows_the_content():
    chip, other = load_chip("loihi-2018"), load_chip("loihi-silicon")
    assert chip.content_hash() == load_chip("loihi-2018").content_hash()
    changed = chip.model_copy(update={"title": "another"})
    assert len({chip.content_hash(), other.content_hash(), changed.content_hash()}) == 3
