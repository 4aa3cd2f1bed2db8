"""What was learned as a network in timesteps that `neurosim run` runs, and as a workload folder.

A rule on timesteps gives the very network that learned. A rule on spike times learned in continuous time: its network
here is the same one with a resolution of ``steps`` over the window, so its spikes are rounded to steps, and its
accuracy is measured anew. The competition of `stdp` becomes inhibition of all by all in the timestep after the first
spikes: the same answers. Neurons of `sdsp` decide spike by spike, which a network in timesteps does not: its network
sums the learned weights, and its accuracy is measured anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosim.learning.data import LearningData
from neurosim.learning.local_learner import WHOLE_NUMBERS
from neurosim.learning.rules import STEPS
from neurosim.learning.run import SPAN, LearningRun, as_taken, coded_images
from neurosim.snn.connectivity import Dense
from neurosim.snn.network import Network, Population, Projection, Readout
from neurosim.snn.neuron import Input, Leak, Lif
from neurosim.workload.folder_out import write_workload
from neurosim.workload.workload import Workload

# A neuron that has fired in a window of this many steps waits until its end.
MOST_STEPS = 255
STEPS_OF_A_WINDOW = 48
INHIBITION = np.float32(-(2.0**30))
"""Far below any sum of the weights of a neuron of `stdp`, which stays below 2^24 and so is exact in float32."""


def learned_network(run: LearningRun) -> Network:
    """The network, float32; input, hidden layers ``hidden1``.. and ``output``."""
    names = ["input", *(f"hidden{i + 1}" for i in range(len(run.weights) - 1)), "output"]
    steps = window_steps(run)
    populations = [Population("input", (run.sizes[0],), Input())]
    for layer, name in enumerate(names[1:]):
        populations.append(Population(name, (run.sizes[layer + 1],), _model(run, layer, steps)))
    # A step of the window is 1 / steps of it: a weight adds that share of itself to the membrane in each.
    share = np.float32(1 if run.rule.works_on == STEPS else 1 / steps)
    projections = [
        Projection(a, b, Dense((w * share).astype(np.float32)))
        for a, b, w in zip(names[:-1], names[1:], run.weights, strict=True)
    ]
    if run.rule.name == "stdp":
        n = run.sizes[1]
        projections.append(Projection("hidden1", "hidden1", Dense(np.full((n, n), INHIBITION, np.float32)), delay=1))
    kind = "first_spike" if run.rule.name == "stdbp" else "membrane"
    return Network(populations, projections, readout=Readout("output", kind))


def window_steps(run: LearningRun) -> int:
    """Timesteps of the network: those it learned in, or the resolution of the window of spike times."""
    return run.settings.timesteps if run.rule.works_on == STEPS else STEPS_OF_A_WINDOW


def _model(run: LearningRun, layer: int, steps: int) -> Lif:
    fires = layer < len(run.thresholds)
    threshold = run.thresholds[layer].astype(np.float32) if fires else None
    if run.rule.name in WHOLE_NUMBERS:
        return Lif(threshold, reset="hard")
    if run.rule.works_on == STEPS:
        leak = Leak("multiply", factor=run.decay) if fires else Leak()
        return Lif(threshold, leak=leak, reset="hard")
    return Lif(threshold, reset="hard", current_keep=1.0, refractory=min(steps, MOST_STEPS) if fires else 0)


def save_learned(run: LearningRun, data: LearningData, folder: Path, card: dict) -> Path:
    """Write a workload folder: the network, the test part and where it comes from. Gives ``folder`` back.

    ``data`` as `learn` got it.
    """
    data = as_taken(run.rule, data, run.settings)
    steps = run.rule.works_on == STEPS
    cutoff = run.settings.input_code.options.get("cutoff", 0.0)
    network = learned_network(run)
    learned = Workload(
        name=data.title, title=f"{data.name}, {run.rule.title}", network=network,
        data=coded_images(run.rule, data.test_images, cutoff), labels=data.test_labels,
        encoder=run.settings.encoder if steps else "latency:cutoff=0", timesteps=window_steps(run),
    )  # fmt: skip
    span = 1.0 if steps else round(SPAN, 4)
    return write_workload(
        folder, learned, network, {"made_by": f"learned by {run.rule.name}", "input_span": span, **card}
    )
