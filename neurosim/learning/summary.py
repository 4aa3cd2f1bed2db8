"""A learning run as plain data: what a machine reads, and what the text and the figure are made from."""

from __future__ import annotations

from typing import Any

from neurosim.errors import NeurosimError
from neurosim.learning.cost import BACKWARD, FORWARD, UPDATE, cost_of, memory_bits
from neurosim.learning.counters import INDEX, as_dict
from neurosim.learning.engine import Learner
from neurosim.learning.run import LearningRun

LANES = (1, 2, 4, 8, 16, 32)


def summarise(run: LearningRun, learners: list[Learner]) -> dict[str, Any]:
    """Accuracy by epoch, counts a sample of all epochs, and a cost a learner; ``learners[0]`` is the chip's own.

    Costs are of all training samples, skipped updates included, a sample; ``inference`` is one pass over the test part.
    """
    total = run.counts.sum(axis=0)
    samples = int(total[0, INDEX["samples"]])
    s = run.settings
    by_one = s.weight_bits is None or run.rule.weight_bits is not None
    rounding = None if by_one else "at random in proportion, by the seed"
    return {
        "rule": run.rule.name,
        "title": run.rule.title,
        "source": run.rule.source,
        "stand_in": run.rule.stand_in,
        "data": run.data_name,
        "sizes": list(run.sizes),
        "settings": {
            "epochs": s.epochs, "rate": s.rate, "rate_fall": run.rule.fall, "timesteps": s.timesteps, "batch": s.batch,
            "skip_below": s.skip_below, "weight_bits": s.weight_bits, "word_bits": s.word_bits, "seed": s.seed,
            "encoder": s.encoder, "rounding": rounding,
        },
        "train_accuracy": run.train_accuracy,
        "test_accuracy": run.test_accuracy,
        "samples": samples,
        "updates_skipped_share": int(total[0, INDEX["updates_skipped"]]) / samples,
        "counts_a_sample": {name: n / samples for name, n in as_dict(total).items() if name != "samples"},
        "widths_bits": _widths(run, learners[0].storing(s.weight_bits)),
        "cycles_by_lanes": _by_lanes(run, total, learners[0].storing(s.weight_bits)),
        **_costs(run, total, learners),
    }  # fmt: skip


def _widths(run: LearningRun, own: Learner) -> dict[str, int]:
    """Bits of what each memory stores, of its words, and of a value kept in the history or in a trace."""
    return {
        "weight": own.weight_bits, "membrane": own.state_bits, "gradient": own.gradient_bits,
        "history value": own.history_width, "trace": run.rule.trace_bits or own.trace_width, "word": own.word_bits,
    }  # fmt: skip


def _by_lanes(run: LearningRun, total, own: Learner) -> list[dict[str, float]]:
    """Cycles a training sample by phase, the same counts on engines of other widths; none where events have prices.

    From some width on the ports of the memories set the pace, and more lanes change nothing.
    """
    if own.events:
        return []
    rows = []
    for lanes in sorted({*LANES, own.lanes}):
        cost = cost_of(run, total, own.model_copy(update={"lanes": lanes}))
        rows.append({"lanes": lanes, **{phase: cycles / cost.samples for phase, cycles in cost.cycles.items()}})
    return rows


def _costs(run: LearningRun, total, learners: list[Learner]) -> dict[str, Any]:
    """A cost a learner, and of the others those that these counts cannot be priced on, with the reason."""
    costs, not_priced = [], {}
    for number, learner in enumerate(learners):
        try:
            costs.append(_cost(run, total, learner.storing(run.settings.weight_bits) if number == 0 else learner))
        except NeurosimError as error:
            if number == 0:
                raise
            not_priced[learner.name] = str(error)
    return {"costs": costs, "not_priced": not_priced}


def _cost(run: LearningRun, total, learner: Learner) -> dict[str, Any]:
    cost, asked = cost_of(run, total, learner), cost_of(run, run.test_counts, learner)
    phases = cost.by_phase()
    low, high = cost.table.band_pj()
    cycles = {phase: count / cost.samples for phase, count in cost.cycles.items()}
    return {
        "learner": learner.name,
        "unit": learner.unit,
        "energy_a_sample": {name: phases.get(name, 0.0) for name in (FORWARD, BACKWARD, UPDATE, "leakage")},
        "total_a_sample": sum(phases.values()),
        "low_a_sample": low / cost.samples,
        "high_a_sample": high / cost.samples,
        "learning_a_sample": cost.learning,
        "inference_a_sample": sum(asked.by_phase().values()),
        "cycles_a_sample": cycles,
        "seconds_a_sample": sum(cycles.values()) * learner.quantum_ps * 1e-12,
        "memory_bits": memory_bits(run, learner),
        "trace_share": learner.trace_share,
        "unsourced_share": cost.table.unsourced_share(),
        "assumptions": dict(learner.assumptions),
    }  # fmt: skip
