"""A workload: a network, the data it is asked about, and where both come from.

It is found by name among the shipped ones, as a folder with a ``workload.yaml``, as a native or NIR model file with an
input array, as a folder that a framework's network was recorded in (see `recording`), or as an npz with a network and
its own core map (see `core_map_npz`).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neurosim.data_files import data_root
from neurosim.errors import NeurosimError
from neurosim.files import read_npz
from neurosim.snn.network import Network
from neurosim.snn.trace import Stimulus
from neurosim.workload.encoders import encode
from neurosim.workload.recording import is_recording, read_recording
from neurosim.workload.user_files import is_hdf5, load_array, value_bits

MAX_YAML_BYTES = 1 << 20


class EncoderSpec(BaseModel):
    """How the data become spikes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str = "rate_deterministic"
    timesteps: int = Field(ge=1, le=100_000)


class WorkloadFile(BaseModel):
    """The schema of ``workload.yaml``. File names are relative to its folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    title: str
    model: str
    data: str
    ann: str | None = None
    encoder: EncoderSpec
    readout: dict[str, str] | None = None
    card: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Workload:
    """``data`` (samples, ...) is encoded images, or spikes (samples, timesteps, ...) when ``encoder`` is None.

    ``core_of_neuron`` is set when the file brings its own core map, its tiles counted down the columns of the mesh.
    ``ann_path`` names the ANN twin, if any.
    """

    name: str
    title: str
    network: Network
    data: np.ndarray | None
    labels: np.ndarray | None
    encoder: str | None
    timesteps: int
    ann_path: Path | None = None
    card: dict[str, Any] = field(default_factory=dict)
    core_of_neuron: np.ndarray | None = None
    fixed_stimulus: Stimulus | None = None

    @property
    def n_samples(self) -> int:
        if self.fixed_stimulus is not None:
            return self.fixed_stimulus.n_samples
        return 0 if self.data is None else len(self.data)

    def stimulus(self, samples: int | None = None, timesteps: int | None = None, seed: int = 0) -> Stimulus:
        """The first ``samples`` samples as spikes over ``timesteps`` steps (defaults: all, the workload's own)."""
        n = self.n_samples if samples is None else min(samples, self.n_samples)
        steps = self.timesteps if timesteps is None else timesteps
        if self.fixed_stimulus is not None:
            if steps > self.fixed_stimulus.timesteps:
                raise NeurosimError(f"timesteps: got {steps}, but the input has {self.fixed_stimulus.timesteps}")
            return _cut(self.fixed_stimulus.head(n), steps)
        labels = None if self.labels is None else self.labels[:n]
        if self.encoder is None:
            if steps > self.data.shape[1]:
                raise NeurosimError(f"timesteps: got {steps}, but the input has {self.data.shape[1]}")
            return Stimulus.from_dense(self.data[:n, :steps], labels)
        return encode(self.encoder, self.data[:n], steps, labels, seed)


def _cut(stimulus: Stimulus, steps: int) -> Stimulus:
    if steps == stimulus.timesteps:
        return stimulus
    if stimulus.n_samples != 1:
        raise NeurosimError("timesteps: a stored raster of several samples cannot be shortened; encode it again")
    end = stimulus.ptr[steps]
    value = None if stimulus.value is None else stimulus.value[:end]
    return Stimulus(
        1, steps, stimulus.n_inputs, stimulus.ptr[: steps + 1], stimulus.neuron[:end], value, stimulus.labels
    )


def list_workloads() -> list[str]:
    """Names of the shipped workloads, sorted."""
    return sorted(path.parent.name for path in data_root("workloads").glob("*/workload.yaml"))


def read_workload_file(folder: Path) -> WorkloadFile:
    """Read and check ``folder/workload.yaml``; no model or data is opened."""
    path = folder / "workload.yaml"
    try:
        if path.stat().st_size > MAX_YAML_BYTES:
            raise NeurosimError(f"{path}: {path.stat().st_size} bytes, expected at most {MAX_YAML_BYTES}")
        content = yaml.safe_load(path.read_text("utf-8"))
        return WorkloadFile.model_validate(content)
    except OSError as error:
        raise NeurosimError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NeurosimError(f"{path}: not valid YAML ({error})") from error
    except ValidationError as error:
        raise NeurosimError(_explain(path, error)) from error


def _explain(path: Path, error: ValidationError) -> str:
    # A misspelt key comes before the missing one it leaves behind.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"]) or "file"
    known = list(WorkloadFile.model_fields) + list(EncoderSpec.model_fields)
    hint = difflib.get_close_matches(str(first["loc"][-1]) if first["loc"] else "", known, n=1)
    tail = f"; did you mean {hint[0]!r}?" if first["type"] == "extra_forbidden" and hint else ""
    return f"{path}: {where}: {first['msg']}{tail}"


def _from_folder(folder: Path) -> Workload:
    spec = read_workload_file(folder)
    from neurosim.workload.native import load_network

    data_path = folder / spec.data
    arrays = read_npz(data_path)
    for key in ("images", "labels"):
        if key not in arrays:
            raise NeurosimError(f"{data_path}: array {key!r} is missing; it holds {sorted(arrays)}")
    network = load_network(folder / spec.model)
    own = None if network.readout is None else vars(network.readout)
    if spec.readout is not None and spec.readout != own:
        raise NeurosimError(
            f"{folder / 'workload.yaml'}: readout: got {spec.readout}, but {spec.model} has {own}; make them agree or "
            "leave it out"
        )
    if len(arrays["images"]) != len(arrays["labels"]):
        raise NeurosimError(f"{data_path}: {len(arrays['labels'])} labels for {len(arrays['images'])} images")
    return Workload(
        name=spec.name,
        title=spec.title,
        network=network,
        data=arrays["images"],
        labels=arrays["labels"].astype(np.int64),
        encoder=spec.encoder.kind,
        timesteps=spec.encoder.timesteps,
        ann_path=None if spec.ann is None else folder / spec.ann,
        card=spec.card,
    )


def _from_model_file(
    path: Path, input_path: Path | None, labels_path: Path | None, steps: int | None, profile: str | None
) -> Workload:
    if is_hdf5(path):
        from neurosim.workload.nir_in import read_nir

        made = _with_data(path, read_nir(path, profile), input_path, labels_path, steps)
        bits = 1 if made.encoder is not None else value_bits(made.data)
        return made if bits == 1 else replace(made, network=read_nir(path, profile, input_bits=bits))
    _no_profile(path, profile)
    arrays = read_npz(path)
    if "indptr" in arrays and "core" in arrays:
        from neurosim.workload.core_map_npz import load_core_map_network

        loaded = load_core_map_network(path, timesteps=steps)
        loaded.network.content_hash()  # once for all runs on it, while the file is being read anyway
        return Workload(
            path.stem, f"network and core map of {path.name}", loaded.network, None, None, None,
            loaded.stimulus.timesteps, core_of_neuron=loaded.core, fixed_stimulus=loaded.stimulus,
        )  # fmt: skip
    from neurosim.workload.native import load_network

    return _with_data(path, load_network(path), input_path, labels_path, steps)


def _no_profile(path: Path, profile: str | None) -> None:
    if profile is not None:
        raise NeurosimError(f"{path}: --profile {profile} is for NIR files; this one says itself how it runs")


def _with_data(
    path: Path, network: Network, input_path: Path | None, labels_path: Path | None, steps: int | None
) -> Workload:
    """A model with the array that ``--input`` names: images or spikes, as its shape and type say."""
    if input_path is None:
        raise NeurosimError(f"{path}: a model file alone has no data; give --input FILE.npy (and --labels FILE.npy)")
    data = load_array(input_path)
    labels = None if labels_path is None else load_array(labels_path, ("labels", "data")).astype(np.int64).reshape(-1)
    if data.ndim < 2 or len(data) == 0:
        raise NeurosimError(f"{input_path}: shape {data.shape}, expected (samples, ...) with at least one sample")
    if labels is not None and len(labels) != len(data):
        raise NeurosimError(f"{labels_path}: {len(labels)} labels for {len(data)} samples in {input_path}")
    inputs = sum(network.population(name).n_neurons for name in network.input_names)
    per_sample = int(np.prod(data.shape[1:]))
    if per_sample == inputs and data.dtype == np.uint8:
        if steps is None:
            raise NeurosimError(f"{input_path}: images need a number of timesteps to be encoded; give --timesteps N")
        return Workload(path.stem, network.name, network, data, labels, "rate_deterministic", steps)
    if data.ndim >= 3 and int(np.prod(data.shape[2:])) == inputs:
        return Workload(path.stem, network.name, network, data, labels, None, data.shape[1])
    raise NeurosimError(
        f"{input_path}: shape {data.shape} ({data.dtype}); the network has {inputs} inputs: expected spikes "
        f"(samples, timesteps, {inputs}) or uint8 images (samples, {inputs})"
    )


def _from_recording(folder: Path, profile: str | None) -> Workload:
    from neurosim.workload.nir_in import read_nir

    recorded = read_recording(folder, profile)
    bits = value_bits(recorded.input)
    network = read_nir(recorded.model, recorded.profile, input_bits=None if bits == 1 else bits)
    name = folder.resolve().name
    title = str(recorded.meta.get("task", "")) or f"recorded by {recorded.meta.get('framework', 'a framework')}"
    return Workload(name, title, network, recorded.input, recorded.labels, None, recorded.input.shape[1])


def load_model(name_or_path: str, profile: str | None = None) -> Network:
    """The network of a workload or model file, without its data. Errors as `load_workload`."""
    path = Path(name_or_path)
    if not path.is_file() or name_or_path in list_workloads():
        return load_workload(name_or_path, profile=profile).network
    if is_hdf5(path):
        from neurosim.workload.nir_in import read_nir

        return read_nir(path, profile)
    _no_profile(path, profile)
    if "indptr" in (arrays := read_npz(path)) and "core" in arrays:
        return load_workload(name_or_path, timesteps=1).network
    from neurosim.workload.native import load_network

    return load_network(path)


def load_workload(
    name_or_path: str,
    input_path: Path | None = None,
    labels_path: Path | None = None,
    timesteps: int | None = None,
    profile: str | None = None,
) -> Workload:
    """Find and read a workload; ``profile`` says how a NIR file runs (`profiles.profile`).

    Raises NeurosimError that names the closest shipped one for an unknown name.
    """
    path = Path(name_or_path)
    shipped = name_or_path in list_workloads()
    if not shipped and path.is_dir() and is_recording(path) and not (path / "workload.yaml").exists():
        return _from_recording(path, profile)
    if shipped or path.is_dir():
        _no_profile(path, profile)
        return _from_folder(data_root("workloads") / name_or_path if shipped else path)
    if path.is_file():
        return _from_model_file(path, input_path, labels_path, timesteps, profile)
    close = difflib.get_close_matches(name_or_path, list_workloads(), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise NeurosimError(
        f"workload {name_or_path!r}: no shipped workload, folder or file of that name{hint}. "
        "See the shipped ones with: neurosim list workloads"
    )
