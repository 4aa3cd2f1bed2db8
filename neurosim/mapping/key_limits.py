"""What the key tables of the routers take, and whether they fit."""

from __future__ import annotations

import numpy as np

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.keys import KeyTables
from neurosim.mapping.mapping import MemoryUse, Overflow


def table_lines(chip: Chip, tables: KeyTables) -> tuple[MemoryUse, ...]:
    """One footprint line a router with entries, under the first core of its tile (in a tree above them: core -1)."""
    first_tile = chip.mesh.n_routers - chip.mesh.n_tiles
    return tuple(
        MemoryUse(
            int(router - first_tile) * chip.mesh.cores_per_tile if router >= first_tile else -1,
            "router_table", "entries", "routes", int(n) * tables.entry_bits,
        )
        for router, n in enumerate(np.diff(tables.ptr)) if n
    )  # fmt: skip


def provisioned(chip: Chip) -> dict[str, int]:
    """Bits of key table for each core of the chip: its share of those of all routers."""
    table = chip.router.key_table
    if table is None:
        return {}
    bits = table.entries * (2 * table.key_bits + chip.mesh.router_ports)
    return {"router_table": bits * chip.mesh.n_routers // chip.n_cores}


def full_tables(chip: Chip, tables: KeyTables, capacity: str) -> tuple[Overflow, ...]:
    """The fullest router's overflow, if its table does not hold its entries. Raises NeurosimError unless ``capacity``
    is ``report``."""
    n = np.diff(tables.ptr)
    router, limit = int(np.argmax(n)), chip.router.key_table.entries
    if n[router] <= limit:
        return ()
    over = Overflow(-1, f"key table of router {router}", "entries", int(n[router]), limit)
    if capacity == "report":
        return (over,)
    raise NeurosimError(
        f"router.key_table.entries: router {router} needs {over.needed} entries, has {limit} "
        f"({over.needed - limit} too many, in {int((n > limit).sum())} routers); give it more, place populations "
        "that feed the same cores side by side, or use capacity report"
    )
