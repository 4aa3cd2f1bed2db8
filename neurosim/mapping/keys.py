"""Multicast by key: every spike carries a key, every router a table of (key, mask, ports) that says where copies go.

Neurons with the same source core and the same destinations form a group and share a block of keys, so one entry a
router serves them all. A packet that finds no entry leaves straight on (its default route), so routers that a group
only crosses need none. Blocks next to each other with the same ports are merged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.arch import Chip
from neurosim.errors import NeurosimError

MAX_ROUTERS = 4096
_STRAIGHT = (1, 0, 3, 2)  # on a grid: the output opposite to an input port


@dataclass(frozen=True, eq=False)
class KeyTables:
    """The tables of all routers. Router r has entries [ptr[r], ptr[r + 1]), sorted by key.

    ptr : (n_routers + 1,) int64. key, mask : (n_entries,) uint64, an entry matches a key k with k & mask == key.
    ports : (n_entries,) uint64, one bit an output. key_of_neuron : (n_neurons,) int64, -1 for one that sends nothing.
    entry_bits : key, mask and ports of one entry.
    """

    ptr: np.ndarray
    key: np.ndarray
    mask: np.ndarray
    ports: np.ndarray
    key_of_neuron: np.ndarray
    entry_bits: int

    def lookup(self, router: int, key: int, entry: int) -> list[int]:
        """Outputs that a packet with ``key`` takes at ``router`` when it came in by port ``entry``."""
        first, last = int(self.ptr[router]), int(self.ptr[router + 1])
        for k in range(first, last):
            if key & int(self.mask[k]) == int(self.key[k]):
                return [p for p in range(64) if int(self.ports[k]) >> p & 1]
        if entry >= len(_STRAIGHT):
            raise NeurosimError(f"router {router}: key {key} came from a core and has no entry")
        return [_STRAIGHT[entry]]


def destination_groups(ptr: np.ndarray, ends: np.ndarray, endpoint: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Groups of neurons with equal source endpoint and equal ends, numbered by their first neuron.

    ``ptr`` (n_neurons + 1,), ``ends`` (n_routes,), ``endpoint`` (n_neurons,). Returns the group of each neuron that
    has routes, ascending neurons, and the first neuron of each group; int64.
    """
    numbers: dict[tuple[int, bytes], int] = {}
    group, firsts = [], []
    for neuron in np.flatnonzero(np.diff(ptr) > 0):
        key = (int(endpoint[neuron]), ends[ptr[neuron] : ptr[neuron + 1]].tobytes())
        number = numbers.setdefault(key, len(firsts))
        if number == len(firsts):
            firsts.append(int(neuron))
        group.append(number)
    return np.array(group, np.int64), np.array(firsts, np.int64)


def build_key_tables(chip: Chip, ptr: np.ndarray, ends: np.ndarray, endpoint: np.ndarray) -> KeyTables:
    """Tables for the routes of `Routes` (``ptr``, ``ends``) of neurons at ``endpoint``.

    Raises NeurosimError when the keys are too narrow for the neurons that send, or the chip has too many routers.
    """
    mesh, table = chip.mesh, chip.router.key_table
    if mesh.n_routers > MAX_ROUTERS:
        raise NeurosimError(f"router.key_table: {mesh.n_routers} routers, expected at most {MAX_ROUTERS}")
    group, firsts = destination_groups(ptr, ends, endpoint)
    base, width = _blocks(group, firsts.size, table.key_bits)
    senders = np.flatnonzero(np.diff(ptr) > 0)
    key_of_neuron = np.full(ptr.size - 1, -1, np.int64)
    place = np.argsort(np.argsort(group, kind="stable"), kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=firsts.size))])
    key_of_neuron[senders] = base[group] + place - starts[group]
    wanted: list[dict[tuple[int, int], int]] = [{} for _ in range(mesh.n_routers)]
    for g, neuron in enumerate(firsts):
        _plant(chip, int(endpoint[neuron]), ends[ptr[neuron] : ptr[neuron + 1]], (int(base[g]), int(width[g])), wanted)
    entries = [sorted(_merged(w).items()) for w in wanted]
    flat = [(base_, width_, ports) for router in entries for (base_, width_), ports in router]
    full = (1 << table.key_bits) - 1
    return KeyTables(
        ptr=np.concatenate([[0], np.cumsum([len(router) for router in entries])]).astype(np.int64),
        key=np.array([b for b, _, _ in flat], np.uint64),
        mask=np.array([full & ~((1 << w) - 1) for _, w, _ in flat], np.uint64),
        ports=np.array([p for _, _, p in flat], np.uint64),
        key_of_neuron=key_of_neuron,
        entry_bits=2 * table.key_bits + mesh.router_ports,
    )


def _blocks(group: np.ndarray, n_groups: int, key_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """First key and log2 of the size of each group's block: powers of two, the largest first, so all are aligned."""
    sizes = np.bincount(group, minlength=n_groups)
    width = np.array([int(n - 1).bit_length() for n in sizes.tolist()], np.int64)
    base = np.zeros(n_groups, np.int64)
    free = 0
    for g in np.argsort(-width, kind="stable"):
        base[g] = free
        free += 1 << int(width[g])
    if free > 1 << key_bits:
        raise NeurosimError(
            f"router.key_table.key_bits: got {key_bits}, expected at least {(free - 1).bit_length()} "
            f"for {free} keys in blocks of powers of two"
        )
    return base, width


def _plant(chip: Chip, source: int, ends: np.ndarray, block: tuple[int, int], wanted: list[dict]) -> None:
    """Enter one group's ports at every router of its tree where the default route would not do."""
    mesh = chip.mesh
    here, entry = mesh.attachment(source, chip.n_cores, chip.io.tile)
    open_: list[tuple[int, int, list[int]]] = [(here, entry, ends.tolist())]
    while open_:
        router, entry, stops = open_.pop()
        branches: dict[int, list[int]] = {}
        for stop in stops:
            target, port = mesh.attachment(stop, chip.n_cores, chip.io.tile)
            branches.setdefault(port if target == router else mesh.way(router, target), []).append(stop)
        outputs = list(branches)
        straight = mesh.first_local == len(_STRAIGHT) and entry < mesh.first_local and outputs == [_STRAIGHT[entry]]
        if not straight:
            wanted[router][block] = sum(1 << port for port in outputs)
        for port, below in branches.items():
            if port < mesh.first_local:
                open_.append((*mesh.beyond(router, port), below))


def _merged(wanted: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Merge pairs of blocks that make up a larger aligned block and have the same ports, as long as there are any."""
    entries = dict(wanted)
    for width in range(64):
        for base, w in sorted(block for block in entries if block[1] == width):
            other = base ^ (1 << w)
            if base < other and entries.get((other, w), -1) == entries[base, w]:
                entries[base, w + 1] = entries.pop((base, w))
                del entries[other, w]
    return entries
