"""Relative addresses: what a packet can say of the way to its destination."""

from __future__ import annotations

import numpy as np

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.mapping import Routes
from neurosim.mapping.placement import host_tile


def check_addresses(routes: Routes, endpoint: np.ndarray, chip: Chip) -> None:
    """Raises NeurosimError for the first route whose way in tiles does not fit the address bits of its packets.

    ``endpoint`` (n_neurons,): the core of each neuron, or n_cores for the host, which sends such packets too.
    """
    router = chip.router
    if router.address != "relative":
        return
    width = chip.mesh.width
    tiles = np.append(np.arange(chip.n_cores) // chip.mesh.cores_per_tile, host_tile(chip))
    source = np.repeat(endpoint, np.diff(routes.ptr))
    start, end = tiles[source], tiles[routes.endpoint]
    ways = (
        ("dx", router.dx_bits, end % width - start % width, width),
        ("dy", router.dy_bits, end // width - start // width, chip.mesh.height),
    )
    for name, bits, offset, ring in ways:
        if chip.mesh.topology == "torus":  # the shorter way round, east and north when both are as long
            offset = (offset + (ring - 1) // 2) % ring - (ring - 1) // 2
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        wrong = np.flatnonzero((offset < low) | (offset > high))
        if wrong.size:
            at = int(wrong[0])
            who, whom = (_named(int(end), chip) for end in (source[at], routes.endpoint[at]))
            raise NeurosimError(
                f"{who}: a packet to {whom} needs {name} = {offset[at]}, but router.{name}_bits {bits} of chip "
                f"{chip.name} reach from {low} to {high} ({wrong.size} routes are too long); place the two closer with "
                f"a core map, or choose a chip with wider addresses"
            )


def _named(endpoint: int, chip: Chip) -> str:
    return "the host" if endpoint == chip.n_cores else f"core {endpoint}"
