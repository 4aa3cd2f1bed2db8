"""Draws the figure of docs/encoders.md: run from the top folder, ``python docs/make_encoder_figure.py``."""

from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import neurosim
from neurosim.files import replacing
from neurosim.workload.contrast import Contrast

OUT = Path(__file__).parent / "img" / "encoders.png"
STEPS = 40
ON, OFF, GREY = "#1f6fb4", "#c8502b", "#888888"


def spikes(stimulus):
    """(timestep, neuron) of the spikes of the first sample."""
    rows = np.repeat(np.arange(stimulus.ptr.size - 1), np.diff(stimulus.ptr))
    return rows, stimulus.neuron


def still(axes, kind, title, **options):
    """A ramp of 32 values, dark at the bottom and bright at the top."""
    ramp = np.linspace(0, 1, 32)[None]
    step, neuron = spikes(neurosim.encode(ramp, kind, STEPS, seed=1, **options))
    axes.scatter(step, ramp[0, neuron], s=5, color=ON, linewidths=0)
    axes.set(title=title, xlabel="timestep", ylabel="value", xlim=(-1, STEPS), ylim=(-0.04, 1.04))


def signal(axes, kind, title, **options):
    """A signal of 120 timesteps, what comes back, and the spikes below."""
    t = np.arange(120)
    x = 0.5 + 0.3 * np.sin(t / 14) + 0.35 * np.exp(-(((t - 75) / 5) ** 2))
    stimulus = neurosim.encode(x.reshape(1, -1, 1), kind, **options)
    back = neurosim.decode(stimulus, kind, x[0], **options)[0, :, 0]
    step, neuron = spikes(stimulus)
    axes.plot(t, x, color=GREY, lw=1.2, label="signal")
    axes.step(t, back, where="post", color="black", lw=0.9, label="decoded")
    for polarity, colour, name in ((1, ON, "ON"), (0, OFF, "OFF")):
        at = step[neuron == polarity]
        axes.vlines(at, -0.28 + 0.12 * polarity, -0.18 + 0.12 * polarity, color=colour, lw=0.9, label=name)
    axes.set(title=title, xlabel="timestep", ylabel="value", ylim=(-0.32, 1.2), yticks=[0, 0.5, 1])
    axes.legend(frameon=False, fontsize=7, ncols=4, loc="upper left", columnspacing=1, handlelength=1.2)


def moving_spot():
    """30 frames of a bright spot that crosses 48 x 48 dark pixels."""
    y, x = np.mgrid[:48, :48]
    paths = [(6 + 1.25 * k, 24 + 14 * np.sin(k / 5)) for k in range(30)]
    return np.array([0.1 + 0.8 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 18) for a, b in paths])


def main() -> None:
    figure, axes = plt.subplots(2, 3, figsize=(11, 6), layout="constrained")
    still(axes[0, 0], "rate", "rate: random, seeded")
    still(axes[0, 1], "latency", "latency: bright first, once")
    still(axes[0, 2], "latency", "latency, curve=log, cutoff=0.1, tau=15", curve="log", cutoff=0.1, tau=15)
    signal(axes[1, 0], "step_forward", "step_forward, threshold=0.05", threshold=0.05)
    signal(axes[1, 1], "adaptive", "adaptive, threshold=0.03, growth=1.5", threshold=0.03)
    frames = moving_spot()
    events = neurosim.frames_to_events(frames, Contrast(on=0.25, off=0.2))
    now = events[(events["t"] >= 14000) & (events["t"] < 16000)]
    last = axes[1, 2]
    last.imshow(frames[15], cmap="gray", vmin=0, vmax=1)
    for polarity, colour, name in ((True, ON, "ON"), (False, OFF, "OFF")):
        here = now[now["p"] == polarity]
        last.scatter(here["x"], here["y"], s=4, color=colour, linewidths=0, label=name)
    last.set(title="frames, on=0.25, off=0.2: frames 14 to 16 over 15", xlabel="x", ylabel="y")
    last.legend(frameon=False, fontsize=7, labelcolor="white", loc="upper right", markerscale=2)
    for panel in axes.flat:
        panel.title.set_fontsize(9)
        panel.tick_params(labelsize=7)
        panel.xaxis.label.set_fontsize(8)
        panel.yaxis.label.set_fontsize(8)
        panel.spines[["top", "right"]].set_visible(False)
    with replacing(OUT) as temporary:
        figure.savefig(temporary, dpi=130, format="png", metadata={"Software": ""})
    print(OUT)


if __name__ == "__main__":
    main()
