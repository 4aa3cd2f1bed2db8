"""Spikes in flat arrays: the stimulus that goes in and the trace that comes out. No object per spike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.front_end import FrontEndWork


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Input spikes for a batch of samples, sorted by (sample, timestep, neuron).

    ``ptr`` (n_samples * timesteps + 1,) int64 cuts ``neuron`` (n_spikes,) int32 into timesteps. Neurons are numbered
    over the network's input populations one after another. ``value`` (n_spikes,) is None when every spike is 1.
    ``labels`` (n_samples,) int64 or None. ``front_end``: what an encoder on the chip did for it, or None: the host
    encoded, or nobody counted.
    """

    n_samples: int
    timesteps: int
    n_inputs: int
    ptr: np.ndarray
    neuron: np.ndarray
    value: np.ndarray | None = None
    labels: np.ndarray | None = None
    front_end: FrontEndWork | None = None

    def __post_init__(self) -> None:
        if self.n_samples < 1 or self.timesteps < 1:
            raise NeurosimError(
                f"stimulus: {self.n_samples} samples of {self.timesteps} timesteps; expected at least one of each"
            )
        if self.ptr.shape != (self.n_samples * self.timesteps + 1,) or self.ptr[-1] != self.neuron.size:
            raise NeurosimError(
                f"stimulus.ptr: {self.ptr.size} entries ending at {self.ptr[-1]}, expected "
                f"{self.n_samples * self.timesteps + 1} entries ending at {self.neuron.size}"
            )
        if self.neuron.size and (self.neuron.min() < 0 or self.neuron.max() >= self.n_inputs):
            raise NeurosimError(
                f"stimulus.neuron: {self.neuron.min()} to {self.neuron.max()}, expected 0 to {self.n_inputs - 1}"
            )
        if self.labels is not None and self.labels.shape != (self.n_samples,):
            raise NeurosimError(f"stimulus.labels: shape {self.labels.shape}, expected ({self.n_samples},)")

    @classmethod
    def from_dense(cls, spikes: np.ndarray, labels: np.ndarray | None = None) -> Stimulus:
        """From an array (samples, timesteps, neurons...); non-zero entries are spikes, their values are kept."""
        if spikes.ndim < 3:
            raise NeurosimError(f"stimulus: shape {spikes.shape}, expected (samples, timesteps, neurons)")
        n_samples, timesteps = spikes.shape[:2]
        if 0 in spikes.shape:
            raise NeurosimError(f"stimulus: shape {spikes.shape}; expected at least one sample, timestep and neuron")
        flat = spikes.reshape(n_samples * timesteps, -1)
        if flat.dtype.kind == "f" and not np.isfinite(flat).all():
            raise NeurosimError("stimulus: contains NaN or infinity; expected finite numbers")
        row, neuron = np.nonzero(flat)
        ptr = np.zeros(n_samples * timesteps + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=n_samples * timesteps), out=ptr[1:])
        value = flat[row, neuron]
        value = None if value.size == 0 or (value == 1).all() else value
        if value is not None:
            value = value.astype(np.float32 if value.dtype.kind == "f" else np.int32)
        labels = None if labels is None else np.asarray(labels, np.int64)
        return cls(n_samples, timesteps, flat.shape[1], ptr, neuron.astype(np.int32), value, labels)

    def head(self, n_samples: int) -> Stimulus:
        """The first ``n_samples`` samples."""
        return self.part(0, min(n_samples, self.n_samples))

    def sample(self, number: int) -> Stimulus:
        """One sample alone."""
        if not 0 <= number < self.n_samples:
            raise NeurosimError(f"sample: got {number}, expected 0 to {self.n_samples - 1}")
        return self.part(number, number + 1)

    def part(self, start: int, stop: int) -> Stimulus:
        """Samples ``start`` to ``stop - 1``."""
        if not 0 <= start < stop <= self.n_samples:
            raise NeurosimError(f"stimulus: samples {start} to {stop}, expected a part of 0 to {self.n_samples}")
        cut = self.ptr[start * self.timesteps : stop * self.timesteps + 1]
        inside = slice(int(cut[0]), int(cut[-1]))
        value = None if self.value is None else self.value[inside]
        labels = None if self.labels is None else self.labels[start:stop]
        work = None if self.front_end is None else self.front_end.part(start, stop)
        return Stimulus(
            stop - start, self.timesteps, self.n_inputs, cut - cut[0], self.neuron[inside], value, labels, work
        )

    def content_hash(self) -> str:
        digest = hashlib.sha256(repr((self.n_samples, self.timesteps, self.n_inputs)).encode())
        for array in (self.ptr, self.neuron, self.value, self.labels):
            digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
        if self.front_end is not None:
            digest.update(np.ascontiguousarray(self.front_end.counts).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class SpikeTrace:
    """Every spike of every population, input populations included, sorted by (sample, timestep, neuron).

    ``ptr`` (n_samples * timesteps + 1,) int64; ``neuron`` (n_spikes,) int32 global numbers (`Network.offsets`);
    ``value`` (n_spikes,) int32 or float32, or None when every spike is 1.
    ``active`` (n_samples * timesteps, ceil(n_neurons / 8)) uint8, little-endian bits: the neuron received a
    contribution in this timestep, or its membrane before the update differed from ``v_rest``, or its bias is not 0.
    ``membrane`` (n_samples, n_neurons) int32 or float32 at the end of each sample (0 where there is none).
    ``saturations`` (n_populations,) int64: how often a membrane was clipped.
    """

    n_samples: int
    timesteps: int
    n_neurons: int
    ptr: np.ndarray
    neuron: np.ndarray
    value: np.ndarray | None
    active: np.ndarray
    membrane: np.ndarray
    saturations: np.ndarray

    def first(self, samples: int) -> SpikeTrace:
        """The first samples alone; ``saturations`` stay those of all."""
        rows = samples * self.timesteps
        spikes = int(self.ptr[rows])
        return replace(
            self,
            n_samples=samples,
            ptr=self.ptr[: rows + 1],
            neuron=self.neuron[:spikes],
            value=None if self.value is None else self.value[:spikes],
            active=self.active[:rows],
            membrane=self.membrane[:samples],
        )

    def counts_by_neuron(self) -> np.ndarray:
        """Spikes of each neuron over all samples, (n_neurons,) int64."""
        return np.bincount(self.neuron, minlength=self.n_neurons).astype(np.int64)

    def dense(self, start: int, stop: int) -> np.ndarray:
        """Neurons start..stop as an array (samples, timesteps, stop - start) of values; for tests and plots."""
        rows = np.repeat(np.arange(self.ptr.size - 1), np.diff(self.ptr))
        keep = (self.neuron >= start) & (self.neuron < stop)
        dtype = np.int32 if self.value is None else self.value.dtype
        out = np.zeros((self.n_samples * self.timesteps, stop - start), dtype)
        out[rows[keep], self.neuron[keep] - start] = 1 if self.value is None else self.value[keep]
        return out.reshape(self.n_samples, self.timesteps, stop - start)
