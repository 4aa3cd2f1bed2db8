"""Settings of a learning run, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.learning.rules import Rule
from neurosim.workload.encoder import IMAGE_KINDS, Encoder, encoder

CUTOFF = 0.1
MEMORY_STEPS = 0.7


@dataclass(frozen=True)
class Settings:
    """``weight_bits`` None learns in float32; else weights are multiples of a step, rounded at random in proportion.

    ``skip_below``: a sample whose largest error of a class is smaller is not learned from. ``batch`` samples share one
    update. ``timesteps`` is the resolution of rules that work on timesteps. ``write_all`` counts a write-back of every
    weight at each update, touched or not, as ``bptt-dense`` always does. ``encoder`` says how pixels become spikes
    (docs/encoders.md); rules on spike times take ``latency`` with its cutoff. ``most_inputs`` and ``most_hidden``: what
    the chip has; images are averaged down and hidden layers cut to fit.
    """

    epochs: int
    rate: float
    timesteps: int = 16
    batch: int = 1
    skip_below: float = 0.05
    weight_bits: int | None = None
    word_bits: int = 64
    seed: int = 0
    write_all: bool = False
    encoder: str = f"latency:cutoff={CUTOFF}"
    most_inputs: int | None = None
    most_hidden: int | None = None

    def __post_init__(self) -> None:
        limits = {
            "epochs": (1, 10_000), "timesteps": (1, 4096), "batch": (1, 65_536), "weight_bits": (2, 24),
            "word_bits": (1, 4096),
            "seed": (0, 2**63 - 1), "most_inputs": (1, 2**24), "most_hidden": (1, 2**24),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise NeurosimError(f"{name}: got {value}, expected {low} to {high}")
        if not 0 < self.rate <= 100 or not 0 <= self.skip_below < 1:
            raise NeurosimError(
                f"rate, skip_below: got {self.rate:g} and {self.skip_below:g}, expected above 0 to 100 and 0 to below 1"
            )
        if self.input_code.kind not in IMAGE_KINDS or self.input_code.kind == "direct":
            raise NeurosimError(f"encoder: got {self.encoder!r}, expected rate or latency, which send spikes of images")

    @property
    def input_code(self) -> Encoder:
        return encoder(self.encoder)


@dataclass
class LearningRun:
    """What was learned and what was counted.

    ``weights`` and ``thresholds`` by layer; ``step`` (layers,) the unit of stored weights, 0 for float32. ``counts``
    (epochs, layers, counters) of training, ``test_counts`` (layers, counters) of one pass over the test part.
    """

    rule: Rule
    settings: Settings
    sizes: tuple[int, ...]
    data_name: str
    weights: list[np.ndarray]
    thresholds: list[np.ndarray]
    step: np.ndarray
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    counts: np.ndarray | None = None
    test_counts: np.ndarray | None = None
    answers: np.ndarray | None = None
    most_history: np.ndarray | None = None

    @property
    def group(self) -> int:
        """Weights that lie in a word of the weight memory."""
        bits = self.settings.weight_bits or 32
        return max(1, self.settings.word_bits // bits)

    @property
    def decay(self) -> float:
        return float(np.float32(np.exp(-1 / (MEMORY_STEPS * self.settings.timesteps))))
