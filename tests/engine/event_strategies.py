"""Random event chips, programs and streams, small enough that a queue fills and a port is always in the way."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from neurosim.engine import event_plan as e
from neurosim.engine.event_plan import Environment, EventPlan, EventProgram, EventStream, Learning

OPERATIONS = (  # name, does, over
    ("spike", e.ADD_ROW, e.ACTIVE),
    ("virtual", e.ADD_OPERAND, e.ONE),
    ("tref_one", e.LEAK, e.ONE),
    ("tref_all", e.LEAK, e.ACTIVE),
    ("synapse", e.ADD_SYNAPSE, e.ONE),
    ("bist_one", e.CONSOLIDATE, e.ROW_WORDS),
    ("bist_all", e.CONSOLIDATE, e.ALL_WORDS),
)


@st.composite
def plans(draw) -> EventPlan:
    """Chips of 1 to 9 neurons with every parameter drawn, learning ones and others."""
    learns = draw(st.booleans())
    ops = OPERATIONS if learns else OPERATIONS[:5]
    k, n = len(ops), draw(st.integers(1, 9))
    number = st.integers(0, 3)
    # The row operation must pass through the queue; any other may.
    queued = (True, *draw(st.tuples(*[st.booleans()] * (k - 1))))
    background = tuple(not q and b for q, b in zip(queued, draw(st.tuples(*[st.booleans()] * k)), strict=True))
    order = draw(st.permutations([e.INPUT, e.QUEUE, *draw(st.sampled_from([[], [e.QUEUE_FULL]]))]))
    if any(background):
        order.insert(draw(st.integers(0, len(order))), e.BACKGROUND)
    rows = learns and draw(st.booleans())
    return EventPlan(
        neurons=n, read=draw(st.integers(1, 3)), write=draw(st.integers(1, 3)),
        synapses_per_word=draw(st.integers(1, 4)),
        stages=draw(st.integers(1, 3)), idle=draw(st.integers(1, 3)), order=tuple(order), depth=draw(st.integers(1, 5)),
        accept=draw(st.integers(1, 3)), release_at_end=draw(st.booleans()), output_at_closing=draw(st.booleans()),
        state_min=draw(st.integers(-20, 0)), state_max=draw(st.integers(1, 20)), weight_min=0 if rows else -4,
        weight_max=4, sign_by_row=rows, calcium_max=draw(st.integers(1, 5)) if learns else 0, learns=learns,
        middle=draw(st.integers(-1, 4)), spike_operation=0, op_names=tuple(name for name, _, _ in ops),
        op_queued=queued, op_does=tuple(does for _, does, _ in ops), op_over=tuple(over for _, _, over in ops),
        op_fixed=draw(st.tuples(*[number] * k)), op_closing=draw(st.tuples(*[number] * k)), op_background=background,
        op_last_neuron=(n - 1,) * k, op_empty_means=(-1, draw(st.sampled_from([-1, 0])), *[-1] * (k - 2)),
    )  # fmt: skip


def programs(plan: EventPlan, rng: np.random.Generator) -> EventProgram:
    """Low thresholds and strong weights: spikes are frequent."""
    n = plan.neurons

    def some(high: int, *shape: int, low: int = 0) -> np.ndarray:
        return rng.integers(low, high + 1, shape or (n,))

    learning = None
    if plan.learns:
        learning = Learning(
            mapping=some(1, n, n), leak_enabled=some(1), calcium_enabled=some(1), membrane_theta=some(6),
            calcium_theta=some(plan.calcium_max + 1, 3, n), calcium_leak=some(3), calcium=some(plan.calcium_max),
            calcium_count=some(2), up=some(1), down=some(1), update_unmapped=bool(rng.integers(2)),
            propagate_unmapped=bool(rng.integers(2)), learn_on_synapse=bool(rng.integers(2)),
        )  # fmt: skip
    return EventProgram(
        active=int(rng.integers(1, n + 1)), closed_loop=bool(rng.integers(2)), controller_output=bool(rng.integers(2)),
        weights=some(plan.weight_max, n, n, low=plan.weight_min), threshold=some(int(rng.integers(1, 24))),
        leak=some(4), membrane=some(plan.state_max, low=plan.state_min), disabled=(rng.random(n) < 0.2).astype(int),
        inhibitory=some(1), monitored=int(rng.integers(n)), learning=learning,
    )  # fmt: skip


def streams(plan: EventPlan, rng: np.random.Generator, n_events: int) -> EventStream:
    """All operations, operands of nothing included; gaps from none to longer than a service."""
    k, rows = n_events, int(plan.sign_by_row)
    return EventStream(
        operation=rng.integers(len(plan.op_names), size=k), neuron=rng.integers(plan.neurons, size=k),
        post=rng.integers(plan.neurons, size=k),
        weight=rng.integers(plan.weight_min, plan.weight_max + 1, size=k) * rng.integers(2, size=k),
        negative=rows * rng.integers(2, size=k), leak=rows * rng.integers(2, size=k),
        not_before=np.cumsum(rng.integers(0, int(rng.integers(1, 120)), size=k)),
    )  # fmt: skip


environments = st.builds(Environment, *[st.integers(1, 6)] * 4)
