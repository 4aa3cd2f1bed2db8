"""How tiles are joined: mesh, torus, tree or bus. Plain geometry, with the distances that placement needs.

A tile has one router with a local port a core. In a mesh and a torus tile number = x + width * y, x grows to the east
and y to the north. In a tree the tiles are the leaves, numbered from left to right; the routers above them have no
cores. A bus is one shared medium to which every core is attached: one tile.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

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

    first_local: ClassVar[int] = 4

    def title(self) -> str:
        return f"{self.width} x {self.height} tiles"

    def attachment(self, endpoint: int, n_cores: int, host: tuple[int, int]) -> tuple[int, int]:
        """(router, port) of a core, or of the host at tile ``host`` for endpoint ``n_cores``."""
        if endpoint == n_cores:
            return host[0] + self.width * host[1], 4 + self.cores_per_tile
        tile, local = divmod(endpoint, self.cores_per_tile)
        return tile, 4 + local

    def way(self, router: int, target: int) -> int:
        """The output at ``router`` towards another router: x first, then y; ports +x, -x, +y, -y."""
        (x, y), (to_x, to_y) = (divmod(r, self.width)[::-1] for r in (router, target))
        if x != to_x:
            return 0 if self._ahead(to_x - x, self.width) else 1
        return 2 if self._ahead(to_y - y, self.height) else 3

    def _ahead(self, offset: int, size: int) -> bool:
        return offset > 0

    def beyond(self, router: int, port: int) -> tuple[int, int]:
        """The router behind an output, and the input by which it is entered."""
        y, x = divmod(router, self.width)
        dx, dy = ((1, 0), (-1, 0), (0, 1), (0, -1))[port]
        return (x + dx) % self.width + self.width * ((y + dy) % self.height), port ^ 1

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

    def _ahead(self, offset: int, size: int) -> bool:
        return 2 * (offset % size) <= size


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

    @property
    def first_local(self) -> int:
        return 1 + self.arity

    def attachment(self, endpoint: int, n_cores: int, host: tuple[int, int]) -> tuple[int, int]:
        """(router, port) of a core, or of the host, at the root, for endpoint ``n_cores``."""
        if endpoint == n_cores:
            return 0, self.first_local + self.cores_per_tile
        tile, local = divmod(endpoint, self.cores_per_tile)
        return self.n_routers - self.n_tiles + tile, self.first_local + local

    def way(self, router: int, target: int) -> int:
        """The output at ``router`` towards another router: a child that is above it or is it, else up (0)."""
        while target > router:
            parent, place = divmod(target - 1, self.arity)
            if parent == router:
                return 1 + place
            target = parent
        return 0

    def beyond(self, router: int, port: int) -> tuple[int, int]:
        """The router behind an output, and the input by which it is entered."""
        if port > 0:
            return self.arity * router + port, 0
        parent, place = divmod(router - 1, self.arity)
        return parent, 1 + place

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

    first_local: ClassVar[int] = 4

    def attachment(self, endpoint: int, n_cores: int, host: tuple[int, int]) -> tuple[int, int]:
        """(router, port) of a core, or of the host for endpoint ``n_cores``."""
        return 0, 4 + (self.cores if endpoint == n_cores else endpoint)

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
