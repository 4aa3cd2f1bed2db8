"""A NIR file (HDF5, nir 1.0 layout) to plain nodes and edges. Subgraphs are spliced in; nothing is interpreted yet.

Layout: ``/version``; ``/node/type`` = NIRGraph; ``/node/edges`` (E, 2) strings; ``/node/nodes/NAME/type`` and one
dataset a field; optional ``metadata`` groups. The file is not trusted: only plain stored datasets are read, no links
or external files, and every size is checked before it is allocated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from neurosim.errors import NeurosimError
from neurosim.files import MAX_ARRAY_BYTES
from neurosim.workload.nir_strings import Strings

MAX_NODES = 2000
MAX_EDGES = 20_000
MAX_DEPTH = 16
# Deflate cannot pack more than about 1030 to 1: beyond that the data were never stored.
MAX_RATIO = 1200
SMALL_BYTES = 1 << 20

NEURONS = ("I", "LI", "IF", "LIF", "CubaLI", "CubaLIF", "Threshold")
_NEURON = {
    "I": ("r",),
    "LI": ("tau", "r", "v_leak"),
    "IF": ("r", "v_threshold"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"),
    "Threshold": ("threshold",),
}
_CONV = ("weight", "stride", "padding", "dilation", "groups")
REQUIRED = {
    **_NEURON,
    "Input": ("shape",),
    "Output": ("shape",),
    "Linear": ("weight",),
    "Affine": ("weight", "bias"),
    "Scale": ("scale",),
    "Conv1d": _CONV,
    "Conv2d": _CONV,
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "Flatten": ("start_dim", "end_dim"),
    "Delay": ("delay",),
}
OPTIONAL = {
    "IF": ("v_reset",), "LIF": ("v_reset",), "CubaLI": ("w_in",), "CubaLIF": ("w_in", "v_reset"),
    "Conv1d": ("bias", "input_shape"), "Conv2d": ("bias", "input_shape"), "Flatten": ("input_type",),
}  # fmt: skip
_TEXT_FIELDS = ("padding",)


@dataclass(frozen=True, eq=False)
class Node:
    """``kind`` is NIR's type, or Junction for the ends of a spliced subgraph; ``fields`` arrays or strings."""

    name: str
    kind: str
    fields: dict[str, np.ndarray | str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """How an error names this node."""
        return f"node {self.name!r} ({self.kind})"


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes by name, in the file's order, and edges (source, target). ``metadata`` are the root's strings, numbers."""

    nodes: dict[str, Node]
    edges: tuple[tuple[str, str], ...]
    metadata: dict[str, str | float] = field(default_factory=dict)
    version: str = ""

    def into(self) -> dict[str, list[str]]:
        """Sources of each node, sorted: the order of edges in a file carries no meaning."""
        sources: dict[str, list[str]] = {name: [] for name in self.nodes}
        for source, target in sorted(self.edges):
            sources[target].append(source)
        return sources


def read_graph(path: Path) -> Graph:
    """Read ``path``. Raises NeurosimError for a missing, damaged, oversized or unknown file, naming what is wrong."""
    path = Path(path)
    if not path.is_file():
        raise NeurosimError(f"{path}: no such file")
    try:
        with h5py.File(path, "r", locking=False) as file:
            return _Reader(path, file).graph()
    except NeurosimError:
        raise
    except MemoryError as error:
        raise NeurosimError(f"{path}: not enough memory to read it ({error})") from error
    except Exception as error:
        # A damaged HDF5 file comes as OSError, KeyError, RuntimeError, ValueError, TypeError, UnicodeError ...
        raise NeurosimError(f"{path}: not a readable NIR file ({error}); truncated or of another kind?") from error


class _Reader:
    """One open file; ``left`` is how many more bytes of arrays it may unpack to."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path, self.file, self.left = path, file, MAX_ARRAY_BYTES
        self.strings, self.graphs = Strings(path), 0
        self.nodes: dict[str, Node] = {}
        self.edges: list[tuple[str, str]] = []

    def fail(self, text: str) -> NeurosimError:
        return NeurosimError(f"{self.path}: {text}")

    def member(self, group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise self.fail(f"{group.name}/{name}: missing, or a link to elsewhere; expected data in this file")
        return group[name]

    def array(self, group: h5py.Group, name: str) -> np.ndarray | str:
        """One dataset as a number array or a string (array)."""
        data = self.member(group, name)
        where = f"{group.name}/{name}"
        if not isinstance(data, h5py.Dataset) or data.is_virtual or data.external:
            raise self.fail(f"{where}: expected a dataset stored in this file")
        text = h5py.check_string_dtype(data.dtype) is not None
        if data.shape is None or not (text or data.dtype.kind in "iufb"):
            raise self.fail(f"{where}: {data.dtype} cannot be used, expected numbers or text")
        size = data.size * max(data.dtype.itemsize, 1)
        # HDF5 unpacks a whole chunk even where the array uses a corner of it.
        size = max(size, int(np.prod(data.chunks, dtype=float)) * data.dtype.itemsize if data.chunks else 0)
        if size > self.left or size > max(SMALL_BYTES, MAX_RATIO * data.id.get_storage_size()):
            raise self.fail(
                f"{where}: shape {data.shape} unpacks to {size} bytes, which is over the limit or more than the file "
                "can hold"
            )
        self.left -= size
        return self.strings.read(data) if text else data[()]

    def string(self, group: h5py.Group, name: str) -> str:
        value = self.array(group, name)
        if not isinstance(value, str):
            raise self.fail(f"{group.name}/{name}: expected one string")
        return value

    def graph(self) -> Graph:
        version = self.string(self.file, "version") if "version" in self.file else ""
        root = self.member(self.file, "node")
        if not isinstance(root, h5py.Group):
            raise self.fail("/node: expected a group; not a NIR file")
        self.splice(root, "", 0)
        metadata = self.metadata(root)
        if len(set(self.edges)) != len(self.edges):
            twice = next(edge for edge in self.edges if self.edges.count(edge) > 1)
            raise self.fail(f"edge {twice[0]!r} -> {twice[1]!r} is there twice; keep one (or scale its weights)")
        return Graph(self.nodes, tuple(self.edges), metadata, version)

    def metadata(self, root: h5py.Group) -> dict[str, str | float]:
        if "metadata" not in root:
            return {}
        group = self.member(root, "metadata")
        if not isinstance(group, h5py.Group):
            return {}
        found = {}
        for key in list(group)[:MAX_NODES]:
            if isinstance(self.member(group, key), h5py.Dataset):
                value = self.array(group, key)
                found[key] = value if isinstance(value, str) else float(value) if np.ndim(value) == 0 else ""
        return found

    def splice(self, group: h5py.Group, prefix: str, depth: int) -> tuple[list[str], list[str]]:
        """Add the nodes and edges of one graph; returns the names of its Input and Output nodes."""
        self.graphs += 1
        if self.graphs > MAX_NODES:
            # Groups may be linked into each other; counting them ends what depth alone would let grow.
            raise self.fail(f"more than {MAX_NODES} subgraphs; flatten the graph before export")
        if depth > MAX_DEPTH:
            raise self.fail(f"subgraphs nest deeper than {MAX_DEPTH}; flatten the graph before export")
        if (kind := self.string(group, "type")) != "NIRGraph":
            raise self.fail(f"{group.name}: type {kind!r}, expected NIRGraph")
        nodes = self.member(group, "nodes")
        if not isinstance(nodes, h5py.Group):
            raise self.fail(f"{group.name}/nodes: expected a group")
        ends: tuple[list[str], list[str]] = ([], [])
        entry: dict[str, list[str]] = {}
        leave: dict[str, list[str]] = {}
        for name in nodes:
            node = self.member(nodes, name)
            if not isinstance(node, h5py.Group):
                raise self.fail(f"{nodes.name}/{name}: expected a node, a group with a type")
            if (kind := self.string(node, "type")) == "NIRGraph":
                entry[name], leave[name] = self.splice(node, f"{prefix}{name}.", depth + 1)
                continue
            full = prefix + name
            if not full.isprintable():
                # Line ends and control codes in a name would end up in reports and on terminals.
                raise self.fail(f"node {full!r}: the name is not printable text; rename it")
            made = self.node(node, full, kind, inner=depth > 0)
            if kind in ("Input", "Output"):
                ends[kind == "Output"].append(full)
            if len(self.nodes) >= MAX_NODES or full in self.nodes:
                raise self.fail(f"node {full!r}: there twice, or one of more than {MAX_NODES} nodes")
            self.nodes[full] = made
            entry[name], leave[name] = [full], [full]
        self.connect(group, prefix, entry, leave)
        return ends

    def connect(self, group: h5py.Group, prefix: str, entry: dict, leave: dict) -> None:
        edges = self.array(group, "edges")
        if isinstance(edges, str) or (edges.size and (edges.dtype.kind != "U" or edges.shape[1:] != (2,))):
            raise self.fail(f"{group.name}/edges: expected pairs of node names, shape (edges, 2)")
        if len(edges) + len(self.edges) > MAX_EDGES:
            raise self.fail(f"{group.name}/edges: over {MAX_EDGES} edges")
        for source, target in edges.tolist():
            for name in (source, target):
                if name not in entry:
                    raise self.fail(f"edge {prefix + source!r} -> {prefix + target!r}: no node {prefix + name!r}")
            for name, found, end in ((source, leave[source], "Output"), (target, entry[target], "Input")):
                if len(found) != 1:
                    raise self.fail(
                        f"node {prefix + name!r} (NIRGraph): has {len(found)} {end} nodes, so the edge {source!r} -> "
                        f"{target!r} has no one meaning; give the subgraph one {end}"
                    )
            self.edges.append((leave[source][0], entry[target][0]))

    def node(self, group: h5py.Group, name: str, kind: str, inner: bool) -> Node:
        if kind not in REQUIRED:
            raise self.fail(
                f"node {name!r} ({kind}): type is not one neurosim runs ({', '.join(REQUIRED)}, NIRGraph); replace it "
                "before export"
            )
        fields: dict[str, np.ndarray | str] = {}
        for key in REQUIRED[kind] + OPTIONAL.get(kind, ()):
            if key not in group:
                if key in REQUIRED[kind]:
                    raise self.fail(f"node {name!r} ({kind}): field {key!r} is missing")
                continue
            value = self.array(group, key)
            if isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in "iufb":
                raise self.fail(f"node {name!r} ({kind}).{key}: {value.dtype}, expected numbers")
            if isinstance(value, str) and key not in _TEXT_FIELDS:
                raise self.fail(f"node {name!r} ({kind}).{key}: text {value[:40]!r}, expected numbers")
            if not isinstance(value, str) and not np.isfinite(value).all():
                raise self.fail(f"node {name!r} ({kind}).{key}: holds NaN or infinity; expected finite numbers")
            fields[key] = value if isinstance(value, str) else np.asarray(value)
        return Node(name, "Junction" if inner and kind in ("Input", "Output") else kind, fields)
