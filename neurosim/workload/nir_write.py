"""Plain nodes and edges to a NIR file, the layout that nir 1.0.8 writes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from neurosim.files import replacing
from neurosim.workload.nir_file import Graph

VERSION = "1.0.8"


def write_graph(graph: Graph, path: Path) -> None:
    """Write ``graph`` to ``path``; a kill leaves the old file or none. Same graph, same bytes."""
    text = h5py.string_dtype()
    with replacing(Path(path)) as temporary, h5py.File(temporary, "w") as file:
        file.create_dataset("version", data=graph.version or VERSION, dtype=text)
        root = file.create_group("node")
        root.create_dataset("type", data="NIRGraph", dtype=text)
        nodes = root.create_group("nodes")
        for node in graph.nodes.values():
            group = nodes.create_group(node.name)
            group.create_dataset("type", data=node.kind, dtype=text)
            for key, value in node.fields.items():
                array = value if isinstance(value, str) else np.asarray(value)
                packed = {"compression": "gzip"} if not isinstance(array, str) and array.size > 64 else {}
                group.create_dataset(key, data=array, **packed)
        edges = np.array(graph.edges, dtype=object).reshape(-1, 2)
        root.create_dataset("edges", data=edges, dtype=text)
        if graph.metadata:
            metadata = root.create_group("metadata")
            for key, entry in graph.metadata.items():
                metadata.create_dataset(key, data=entry)
