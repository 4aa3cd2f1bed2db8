"""A workload and a study so small that a point takes milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from neurosim.snn.notes import Coding
from neurosim.study.file import StudyFile, load_study
from neurosim.workload.folder_out import write_workload
from neurosim.workload.workload import Workload
from tests.study.small import network

HEAD = {"format": "neurosim-study/1", "kind": "sweep", "title": "small", "workload": "tiny", "samples": 3}


def write_tiny(folder: Path, name: str = "tiny", seed: int = 0) -> Path:
    """A workload folder: 9 pixels, 6 hidden neurons, 3 classes, 6 samples of 5 timesteps."""
    rng = np.random.default_rng(seed)
    net = network(hidden=6)
    images, labels = rng.integers(0, 256, (6, 9)).astype(np.uint8), rng.integers(0, 3, 6)
    work = Workload(name, f"{name}, for tests", net, images, labels, "rate_deterministic", 5)
    object.__setattr__(net, "coding", Coding("rate_deterministic", 5))
    write_workload(folder / name, work, net, {})
    return folder / name


def write_study(folder: Path, **keys) -> str:
    """A study file beside a tiny workload; its path."""
    if not (folder / "tiny").exists():
        write_tiny(folder)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**HEAD, **keys}, sort_keys=False))
    return str(path)


def study(folder: Path, **keys) -> StudyFile:
    return load_study(write_study(folder, **keys))
