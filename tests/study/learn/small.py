"""A learning study that runs in seconds."""

TEXT = """
format: neurosim-study/1
kind: learn
title: "A study <of> & learning"
rules: [mpd-ed, std-ed]
prices: [edge-28nm-learn, loihi-2018, sata]
epochs: 1
timesteps: 8
batches: [1, 4]
seeds: [0, 1]
skip_below: 0.05
accuracy_targets: [0.5, 0.99]
sweep:
  epochs: 1
  inputs:
    - {encoder: "latency:cutoff=0.1", timesteps: 4}
    - {encoder: "rate:gain=0.2", timesteps: 8}
map:
  rates: [0.02, 0.1, 0.4]
  timesteps: [4, 8]
  sizes: [20, 20, 5]
  samples: 3
"""


def written(folder, text=TEXT):
    path = folder / "study.yaml"
    path.write_text(text, "utf-8")
    return str(path)
