"""Writing a workload folder: the network, the data it is asked about, and the file that names them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import yaml

from neurosim.errors import NeurosimError
from neurosim.files import replacing, write_arrays
from neurosim.snn.network import Network
from neurosim.workload.encoder import IMAGE_KINDS
from neurosim.workload.native import save_network
from neurosim.workload.workload import Workload


def write_workload(folder: Path, workload: Workload, network: Network, card: dict) -> Path:
    """Write ``network`` in place of the workload's own, with a copy of its images and labels; gives ``folder`` back.

    The ANN twin is not copied. Raises NeurosimError for data that a workload folder cannot hold (spikes instead of
    images, no labels).
    """
    folder = Path(folder)
    images = workload.encoder is not None and workload.encoder.partition(":")[0] in IMAGE_KINDS
    if not images or workload.data is None or workload.labels is None:
        raise NeurosimError(
            f"{folder}: a workload folder holds images and labels, which {workload.name} has not; give a file name "
            "that ends in .npz for the network alone"
        )
    # The last path must not be taken by something else before the work.
    if folder.exists() and not folder.is_dir():
        raise NeurosimError(f"{folder}: is a file; give a folder, or a name that ends in .npz for the network alone")
    save_network(network, folder / "model.npz")
    write_arrays(folder / "data.npz", {"from": workload.name}, {"images": workload.data, "labels": workload.labels})
    spec = {
        "name": folder.resolve().name,
        "title": f"{workload.title}; {card.get('made_by', 'changed')}",
        "model": "model.npz",
        "data": "data.npz",
        "encoder": {"kind": workload.encoder, "timesteps": workload.timesteps},
        "card": card,
    }
    if network.readout is not None:
        spec["readout"] = asdict(network.readout)
    with replacing(folder / "workload.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(spec, sort_keys=False, width=120), "utf-8")
    return folder
