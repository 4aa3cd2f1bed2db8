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

from neurosim.data_files import data_root
from neurosim.errors import NeurosimError
from neurosim.files import read_npz
from neurosim.snn.network import Network
from neurosim.snn.trace import Stimulus
from neurosim.workload.encoder import EVENTS, IMAGE_KINDS, SIGNAL, STILL, encode_events, encoder
from neurosim.workload.input_files import read_input
from neurosim.workload.recording import is_recording, read_recording
from neurosim.workload.user_files import is_hdf5, load_array, value_bits
from neurosim.workload.workload_file import list_workloads, read_workload_file


@dataclass(frozen=True, eq=False)
class Workload:
    """``data`` (samples, ...) is what ``encoder`` takes, or spikes (samples, timesteps, ...) when that is None.

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
        return encoder(self.encoder).stimulus(self.data[:n], steps, labels, seed)


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


def _from_folder(folder: Path) -> Workload:
    spec = read_workload_file(folder)
    from neurosim.workload.native import load_network

    data_path = folder / spec.data
    arrays = read_npz(data_path)
    data = "signals" if "signals" in arrays else "images"
    for key in (data, "labels"):
        if key not in arrays:
            raise NeurosimError(f"{data_path}: array {key!r} is missing; it holds {sorted(arrays)}")
    network = load_network(folder / spec.model)
    own = None if network.readout is None else vars(network.readout)
    if spec.readout is not None and spec.readout != own:
        raise NeurosimError(
            f"{folder / 'workload.yaml'}: readout: got {spec.readout}, but {spec.model} has {own}; make them agree or "
            "leave it out"
        )
    if len(arrays[data]) != len(arrays["labels"]):
        raise NeurosimError(f"{data_path}: {len(arrays['labels'])} labels for {len(arrays[data])} {data}")
    return Workload(
        name=spec.name,
        title=spec.title,
        network=network,
        data=arrays[data],
        labels=arrays["labels"].astype(np.int64),
        encoder=spec.encoder.kind,
        timesteps=spec.encoder.timesteps,
        ann_path=None if spec.ann is None else folder / spec.ann,
        card=spec.card,
    )


def _from_model_file(
    path: Path, input_path: Path | None, labels_path: Path | None, steps: int | None, profile: str | None,
    spec: str | None,
) -> Workload:  # fmt: skip
    if is_hdf5(path):
        from neurosim.workload.nir_in import read_nir

        made = _with_data(path, read_nir(path, profile), input_path, labels_path, steps, spec)
        bits = _value_bits(made)
        return made if bits == 1 else replace(made, network=read_nir(path, profile, input_bits=bits))
    _no_profile(path, profile)
    arrays = read_npz(path)
    if "indptr" in arrays and "core" in arrays:
        _no_encoder(path, spec)
        from neurosim.workload.core_map_npz import load_core_map_network

        loaded = load_core_map_network(path, timesteps=steps)
        loaded.network.content_hash()  # once for all runs on it, while the file is being read anyway
        return Workload(
            path.stem, f"network and core map of {path.name}", loaded.network, None, None, None,
            loaded.stimulus.timesteps, core_of_neuron=loaded.core, fixed_stimulus=loaded.stimulus,
        )  # fmt: skip
    from neurosim.workload.native import load_network

    return _with_data(path, load_network(path), input_path, labels_path, steps, spec)


def _value_bits(made: Workload) -> int:
    """Bits of the widest value that the inputs will carry."""
    if made.fixed_stimulus is not None:
        value = made.fixed_stimulus.value
        return 1 if value is None else value_bits(value)
    return value_bits(made.data) if made.encoder is None else encoder(made.encoder).bits(made.data)


def _no_profile(path: Path, profile: str | None) -> None:
    if profile is not None:
        raise NeurosimError(f"{path}: --profile {profile} is for NIR files; this one says itself how it runs")


def _no_encoder(path: Path, spec: str | None) -> None:
    if spec is not None:
        raise NeurosimError(f"{path}: --encoder {spec} is for data of your own; this one holds its input spikes")


def _with_data(
    path: Path, network: Network, input_path: Path | None, labels_path: Path | None, steps: int | None,
    spec: str | None = None,
) -> Workload:  # fmt: skip
    """A model with what ``--input`` names: as the encoder takes it, or images or spikes by their shape and type."""
    if input_path is None:
        raise NeurosimError(f"{path}: a model file alone has no data; give --input FILE.npy (and --labels FILE.npy)")
    input_path = Path(input_path)
    data = read_input(input_path, None if spec is None else encoder(spec))
    labels = None if labels_path is None else load_array(labels_path, ("labels", "data")).astype(np.int64).reshape(-1)
    if isinstance(data, list):
        return _with_events(path, network, data, labels, steps, spec, input_path)
    if spec is not None:
        return _encoded(path, network, data, labels, steps, spec, input_path)
    if data.ndim < 2 or len(data) == 0:
        raise NeurosimError(f"{input_path}: shape {data.shape}, expected (samples, ...) with at least one sample")
    if labels is not None and len(labels) != len(data):
        raise NeurosimError(f"{labels_path}: {len(labels)} labels for {len(data)} samples in {input_path}")
    inputs = _inputs(network)
    per_sample = int(np.prod(data.shape[1:]))
    if per_sample == inputs and data.dtype == np.uint8:
        coding = network.coding
        if coding is not None and coding.kind.partition(":")[0] in IMAGE_KINDS:
            return _encoded(path, network, data, labels, steps or coding.timesteps, coding.kind, input_path)
        if steps is None:
            raise NeurosimError(f"{input_path}: images need a number of timesteps to be encoded; give --timesteps N")
        return Workload(path.stem, network.name, network, data, labels, "rate_deterministic", steps)
    if data.ndim >= 3 and int(np.prod(data.shape[2:])) == inputs:
        return Workload(path.stem, network.name, network, data, labels, None, data.shape[1])
    raise NeurosimError(
        f"{input_path}: shape {data.shape} ({data.dtype}); the network has {inputs} inputs: expected spikes "
        f"(samples, timesteps, {inputs}) or uint8 images (samples, {inputs})"
    )


def _inputs(network: Network) -> int:
    return sum(network.population(name).n_neurons for name in network.input_names)


def _with_events(
    path: Path, network: Network, recordings: list, labels: np.ndarray | None, steps: int | None, spec: str | None,
    input_path: Path,
) -> Workload:  # fmt: skip
    chosen = encoder("events" if spec is None else spec)
    if chosen.takes != EVENTS:
        raise NeurosimError(f"{input_path}: a stream of events; --encoder {spec} takes numbers, use --encoder events")
    shapes = [network.population(name).shape for name in network.input_names]
    camera = shapes[0] if len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][0] in (1, 2) else None
    stimulus = encode_events(chosen, recordings, steps, labels, camera, input_path)
    if stimulus.n_inputs != _inputs(network):
        raise NeurosimError(
            f"{input_path}: a camera of {stimulus.n_inputs} polarities and pixels, but the network has inputs of shape "
            f"{', '.join(map(str, shapes))}; give the camera the network was trained on"
        )
    return Workload(path.stem, network.name, network, None, labels, None, stimulus.timesteps, fixed_stimulus=stimulus)


def _encoded(
    path: Path, network: Network, data: np.ndarray, labels: np.ndarray | None, steps: int | None, spec: str,
    input_path: Path,
) -> Workload:  # fmt: skip
    chosen, inputs = encoder(spec), _inputs(network)
    lead = 1 if chosen.takes == STILL else 2
    fits = data.ndim > lead and chosen.inputs(data.shape[lead:]) == inputs
    if not fits and chosen.inputs(data.shape[lead - 1 :]) == inputs:
        data = data[None]  # one sample without its axis
    if data.ndim <= lead or chosen.inputs(data.shape[lead:]) != inputs or 0 in data.shape:
        axes = "(samples, ...)" if lead == 1 else "(samples, moments, ...)"
        raise NeurosimError(
            f"{input_path}: shape {data.shape} ({data.dtype}) as {axes} gives encoder {chosen.kind} "
            f"{chosen.inputs(data.shape[lead:])} inputs, the network has {inputs}; crop or scale the data"
        )
    if labels is not None and len(labels) != len(data):
        raise NeurosimError(f"labels: {len(labels)} for {len(data)} samples in {input_path}")
    if chosen.takes == STILL and steps is None:
        raise NeurosimError(f"{input_path}: encoder {chosen.kind} needs a number of timesteps; give --timesteps N")
    if steps is None:
        steps = data.shape[1] - (chosen.kind == "frames")
    return Workload(path.stem, network.name, network, data, labels, spec, steps)


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
    encoder_spec: str | None = None,
) -> Workload:
    """Find and read a workload; ``profile`` says how a NIR file runs (`profiles.profile`).

    ``encoder_spec`` says how the input becomes spikes (`encoder.encoder`), instead of the workload's own way.

    Raises NeurosimError that names the closest shipped one for an unknown name.
    """
    path = Path(name_or_path)
    shipped = name_or_path in list_workloads()
    if not shipped and path.is_dir() and is_recording(path) and not (path / "workload.yaml").exists():
        _no_encoder(path, encoder_spec)
        return _from_recording(path, profile)
    if shipped or path.is_dir():
        _no_profile(path, profile)
        made = _from_folder(data_root("workloads") / name_or_path if shipped else path)
        if encoder_spec is None:
            return made
        given = STILL if made.encoder is None else encoder(made.encoder).takes
        if encoder(encoder_spec).takes != given:
            what, use = ("signals", "tae, step_forward") if given == SIGNAL else ("images", "direct, rate")
            raise NeurosimError(f"{name_or_path}: --encoder {encoder_spec}: its data are {what}; use {use} ...")
        return replace(made, encoder=encoder_spec)
    if path.is_file():
        return _from_model_file(path, input_path, labels_path, timesteps, profile, encoder_spec)
    close = difflib.get_close_matches(name_or_path, list_workloads(), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise NeurosimError(
        f"workload {name_or_path!r}: no shipped workload, folder or file of that name{hint}. "
        "See the shipped ones with: neurosim list workloads"
    )
