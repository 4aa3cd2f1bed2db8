"""How tiles are joined: mesh, torus, tree or bus. Plain geometry, with the distances that placement needs.

A tile has one router with a local port a core. In a mesh and a torus tile number = x + width * y, x grows to the east
and y to the north. In a tree the tiles are the leaves, numbered from left to right; the routers above them have no
cores. A bus is one shared medium to which every core is attached: one tile.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator

from neurosim.arch.part import Part, Positive

Side = Annotated[int, Field(ge=1, le=1024)]
MAX_TREE_TILES = 4096


class _Grid(Part):
    width: Side
    height: Side
    cores_per_tile: Annotated[int, Field(ge=1, le=64)]

    @property
    def n_tiles(self) -> int:
        return self.width * self.height

    @property
    def n_routers(self) -> int:
        return self.n_tiles

    @property
    def router_ports(self) -> int:
        return 5 + self.cores_per_tile

    def title(self) -> str:
        return f"{self.width} x {self.height} tiles"

    def _steps(self, a: np.ndarray, b: np.ndarray, size: int) -> np.ndarray:
        return np.abs(a - b)

    def distance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Links between tiles ``a`` and ``b`` (any equal shapes of tile numbers), int64."""
        columns = self._steps(a % self.width, b % self.width, self.width)
        return columns + self._steps(a // self.width, b // self.width, self.height)


class ChipEdge(Part):
    """A grid cut into chips of ``width`` x ``height`` tiles; links across a cut have times of their own."""

    width: Side
    height: Side
    latency_cycles: Positive
    interval_cycles: Positive


class Mesh(_Grid):
    """Tiles in rows and columns. ``chips`` cuts them into several chips with slower links between."""

    topology: Literal["mesh"]
    chips: ChipEdge | None = None

    @model_validator(mode="after")
    def _whole_chips(self) -> Mesh:
        for name in ("width", "height") if self.chips else ():
            mine, cut = getattr(self, name), getattr(self.chips, name)
            if mine % cut:
                raise ValueError(f"chips.{name}: got {cut}, expected a divisor of the mesh's {name} {mine}")
        return self


class Torus(_Grid):
    """A mesh whose rows and columns are rings. Shorter way round; half way round goes to the east and the north."""

    topology: Literal["torus"]

    def _steps(self, a: np.ndarray, b: np.ndarray, size: int) -> np.ndarray:
        ahead = (b - a) % size
        return np.minimum(ahead, size - ahead)


class Tree(Part):
    """``levels`` of routers above arity ** levels tiles. A packet climbs to the first common router and descends."""

    topology: Literal["tree"]
    arity: Annotated[int, Field(ge=2, le=32)]
    levels: Annotated[int, Field(ge=0, le=12)]
    cores_per_tile: Annotated[int, Field(ge=1, le=64)]

    @model_validator(mode="after")
    def _small(self) -> Tree:
        if self.n_tiles > MAX_TREE_TILES:
            raise ValueError(f"levels: {self.arity} ** {self.levels} tiles, expected at most {MAX_TREE_TILES}")
        return self

    @property
    def n_tiles(self) -> int:
        return self.arity**self.levels

    @property
    def width(self) -> int:
        return self.n_tiles

    @property
    def height(self) -> int:
        return 1

    @property
    def n_routers(self) -> int:
        return (self.arity ** (self.levels + 1) - 1) // (self.arity - 1)

    @property
    def router_ports(self) -> int:
        return 2 + self.arity + self.cores_per_tile

    def title(self) -> str:
        return f"tree of {self.n_tiles} tiles, {self.levels} levels of arity {self.arity}"

    def distance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Links between tiles ``a`` and ``b`` (any equal shapes of tile numbers), int64: up, then down as many."""
        a, b = np.asarray(a, np.int64), np.asarray(b, np.int64)
        links = np.zeros(np.broadcast(a, b).shape, np.int64)
        for _ in range(self.levels):
            links += 2 * (a != b)
            a, b = a // self.arity, b // self.arity
        return links


class Bus(Part):
    """One shared medium: one flit at a time on the whole chip."""

    topology: Literal["bus"]
    cores: Annotated[int, Field(ge=1, le=250)]

    @property
    def cores_per_tile(self) -> int:
        return self.cores

    @property
    def n_tiles(self) -> int:
        return 1

    n_routers = n_tiles
    width = n_tiles
    height = n_tiles

    @property
    def router_ports(self) -> int:
        return 5 + self.cores

    def title(self) -> str:
        return "one bus"

    def distance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """No links between tiles: there is one."""
        return np.zeros(np.broadcast(a, b).shape, np.int64)


def _topology_of(tiles: object) -> str | None:
    name = tiles.get("topology") if isinstance(tiles, dict) else getattr(tiles, "topology", None)
    return f"<{name}>"


Topology = Annotated[
    Annotated[Mesh, Tag("<mesh>")]
    | Annotated[Torus, Tag("<torus>")]
    | Annotated[Tree, Tag("<tree>")]
    | Annotated[Bus, Tag("<bus>")],
    Discriminator(
        _topology_of,
        custom_error_type="topology",
        custom_error_message="expected topology: mesh, torus, tree or bus",
    ),
]
