"""The learning rules by name: what each is, where it comes from, and the settings it starts from."""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.errors import NeurosimError

STEPS, TIMES = "timesteps", "spike times"


@dataclass(frozen=True)
class Rule:
    """``works_on``: timesteps or spike times. ``rate`` falls by ``fall`` each epoch. ``spread`` and ``mean`` set the
    first weights: a neuron's mean input is ``mean`` thresholds, a weight's deviation ``spread`` of that share (spike
    times) or 1 / sqrt(inputs) (timesteps). ``homeostasis`` moves thresholds by that times (spikes - ``target``) after
    each sample. ``stand_in`` says what is ours because the paper's is not known.

    A ``local`` rule changes weights while a sample runs, from what the two ends of a synapse know. It may have its own
    ``encoder`` of images, width of a synapse (``weight_bits``) and of a trace (``trace_bits``), no hidden layer, a
    limit ``most_inputs``, and ``paired`` inputs where they fit: a pixel, and what it lacks to full scale."""

    name: str
    title: str
    works_on: str
    source: str
    rate: float
    fall: float
    epochs: int
    mean: float
    spread: float
    homeostasis: float = 0.0
    target: float = 1.0
    stand_in: str = ""
    local: bool = False
    encoder: str = "latency:cutoff=0.1"
    weight_bits: int | None = None
    trace_bits: int | None = None
    hidden: bool = True
    most_inputs: int | None = None
    paired: bool = False


_WEI = "Wei et al. 2024 (arXiv 2403.00270), by its abstract and second-hand notes"
RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "bptt-dense", "surrogate gradient through time, every step and weight", STEPS,
            "back-propagation through time with a triangular surrogate", 0.02, 0.9, 12, 0.5, 1.0,
        ),
        Rule(
            "bptt-held", "the same, weight by weight: each weight and its sum stay in registers over all steps", STEPS,
            "back-propagation through time with a triangular surrogate", 0.02, 0.9, 12, 0.5, 1.0,
        ),
        Rule(
            "bptt", "the same as bptt-dense, skipping zeros and writing back only what changed", STEPS,
            "back-propagation through time with a triangular surrogate", 0.02, 0.9, 12, 0.5, 1.0,
        ),
        Rule(
            "mpd-ed", "event-driven, from membranes at spikes", STEPS, _WEI, 0.02, 0.9, 12, 0.5, 1.0,
            homeostasis=0.0005,
            stand_in="mask (surrogate at spikes only, at least 0.3) and threshold adaptation (homeostasis) are ours",
        ),
        Rule(
            "std-ed", "event-driven, from spike times; a membrane readout decides", TIMES, _WEI, 0.05, 0.9, 12,
            3.0, 3.0,
            homeostasis=0.0005,
            stand_in="the neuron is the linear-PSP one of STDBP, and threshold adaptation (homeostasis) is ours",
        ),
        Rule(
            "stdbp", "first spike times in closed form; the first output decides", TIMES,
            "Zhang et al. 2021 (arXiv 2003.11837): ReL-PSP and STDBP", 0.03, 0.92, 15, 3.0, 2.0,
            stand_in="limit of 1 / A (5), sharpness of the softmax (15) and the push of a silent target (0.1) are ours",
        ),
        Rule(
            "stdp", "pair STDP with traces; a winner a sample, the teacher names its class", STEPS,
            "pair rule and sum of products of Loihi's learning engine (Davies et al. 2018), traces of 7 bits", 0.15,
            0.9, 12, 1.0, 1.0,
            stand_in="soft bounds, the winner, the teacher's gate and the thresholds it moves are ours",
            local=True, trace_bits=7,
        ),
        Rule(
            "sdsp", "spike-driven plasticity of ODIN: weights of 3 bits move by one, by membrane and calcium", STEPS,
            "ODIN (ChFrenkel/ODIN at 1781931), arithmetic held to recordings of its RTL", 0.12, 0.8, 10, 1.0, 1.0,
            stand_in="thresholds, the teacher's events and the code of the inputs are ours",
            local=True, encoder="latency:cutoff=0.4", weight_bits=4, hidden=False, most_inputs=256, paired=True,
        ),
        Rule(
            "e-prop", "eligibility from traces a neuron, forward in time, feed-forward", STEPS,
            "ReckOn (ChFrenkel/ReckOn at 5e5c0be) by its documents and RTL", 0.02, 0.8, 12, 0.5, 1.0,
            stand_in="the readout's error (lead over the strongest other class) and the staircase's steps are ours",
            local=True, trace_bits=12,
        ),
    )
}  # fmt: skip


def find_rule(name: str) -> Rule:
    """A rule by name. Raises NeurosimError for an unknown one."""
    if name not in RULES:
        raise NeurosimError(f"learning rule {name[:60]!r}: not known; choose one of {', '.join(RULES)}")
    return RULES[name]
