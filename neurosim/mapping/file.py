"""A core map from a file: which core each neuron sits on, instead of the automatic placement.

YAML: ``populations: {name: {cores: [0, 1], split: contiguous}, other: [0, 0, 1, ...]}`` (a list gives a core for every
neuron; ``cores`` cuts the population into equal runs). Input populations left out enter at the host. npz: an integer
array ``core`` with an entry for every neuron of the network in order.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import numpy as np
import yaml

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.files import read_npz
from neurosim.snn.network import Network

MAX_YAML_BYTES = 64 << 20


def from_column_order(core: np.ndarray, chip: Chip) -> np.ndarray:
    """Core numbers of a map that counts tiles down the columns of the mesh, as this project counts them: along rows.

    Negative numbers (the host) and numbers beyond the chip stay as they are.
    """
    per_tile = chip.mesh.cores_per_tile
    tile, local = np.divmod(core, per_tile)
    x, y = np.divmod(tile, chip.mesh.height)
    renumbered = (x + chip.mesh.width * y) * per_tile + local
    return np.where((core >= 0) & (core < chip.n_cores), renumbered, core)


def read_placement(path: Path, network: Network) -> np.ndarray:
    """Core of every neuron, (n_neurons,) int64; -1 for input neurons that enter at the host."""
    path = Path(path)
    if path.suffix == ".npz":
        arrays = read_npz(path)
        core = arrays.get("core")
        if core is None or core.dtype.kind not in "iu" or core.shape != (network.n_neurons,):
            raise NeurosimError(f"{path}: expected an integer array 'core' of {network.n_neurons} entries")
        return core.astype(np.int64)
    try:
        if path.stat().st_size > MAX_YAML_BYTES:
            raise NeurosimError(f"{path}: {path.stat().st_size} bytes, expected at most {MAX_YAML_BYTES}; use npz")
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise NeurosimError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NeurosimError(f"{path}: not valid YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict) or set(content) != {"populations"} or not isinstance(content["populations"], dict):
        raise NeurosimError(f"{path}: expected one key 'populations' with a mapping of population names")
    placement = np.full(network.n_neurons, -1, np.int64)
    names = [p.name for p in network.populations]
    for name, entry in content["populations"].items():
        if name not in names:
            close = difflib.get_close_matches(str(name), names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; populations are {names}"
            raise NeurosimError(f"{path}: populations.{name}: not in the network{hint}")
        i = network.index[name]
        n = network.populations[i].n_neurons
        placement[network.offsets[i] : network.offsets[i + 1]] = _cores(entry, n, f"{path}: populations.{name}")
    missing = [p.name for i, p in enumerate(network.populations)
               if p.model.kind != "input" and placement[network.offsets[i]] < 0]  # fmt: skip
    if missing:
        raise NeurosimError(f"{path}: no cores for population {missing[0]!r}; every population but inputs needs them")
    return placement


def _cores(entry, n: int, where: str) -> np.ndarray:
    if isinstance(entry, dict):
        unknown = set(entry) - {"cores", "split"}
        if unknown or entry.get("split", "contiguous") != "contiguous" or "cores" not in entry:
            raise NeurosimError(f"{where}: expected {{cores: [...], split: contiguous}}, got keys {sorted(entry)}")
        listed = _integers(entry["cores"], f"{where}.cores")
        if not 1 <= listed.size <= n:
            raise NeurosimError(f"{where}.cores: {listed.size} cores for {n} neurons, expected 1 to {n}")
        return np.concatenate([np.full(len(p), c) for p, c in zip(np.array_split(np.arange(n), listed.size), listed,
                                                                   strict=True)])  # fmt: skip
    listed = _integers(entry, where)
    if listed.size != n:
        raise NeurosimError(f"{where}: {listed.size} cores, expected {n}, one for every neuron")
    return listed


def _integers(values, where: str) -> np.ndarray:
    if not isinstance(values, list) or not all(type(v) is int for v in values):
        raise NeurosimError(f"{where}: expected a list of core numbers")
    if any(v < 0 or v >= 1 << 31 for v in values):
        raise NeurosimError(f"{where}: core numbers must not be negative; got {min(values)}")
    return np.array(values, np.int64)
