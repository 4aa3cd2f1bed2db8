"""The phases of learning that energy and cycles are split into, and which of them each counter belongs to."""

from __future__ import annotations

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"
PHASE_OF = {
    "pre_spikes": FORWARD, "forward_adds": FORWARD, "forward_products": FORWARD, "neuron_updates": FORWARD,
    "history_writes": FORWARD, "leak_events": FORWARD, "steps": FORWARD,
    "history_reads": BACKWARD, "surrogates": BACKWARD, "backward_updates": BACKWARD, "error_products": BACKWARD,
    "error_words": BACKWARD, "gradient_adds": BACKWARD, "gradient_products": BACKWARD, "held_reads": BACKWARD,
    "trace_updates": BACKWARD, "teacher_events": BACKWARD, "replay_spikes": BACKWARD, "replay_adds": BACKWARD,
    "replay_leaks": BACKWARD,
    "weights_written": UPDATE, "written_words": UPDATE, "threshold_updates": UPDATE, "plastic_pairs": UPDATE,
    "plastic_products": UPDATE, "plastic_words": UPDATE, "random_draws": UPDATE,
}  # fmt: skip
