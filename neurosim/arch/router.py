"""The router of a chip description: queues, pipeline, credits, and how a spike reaches several destinations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from neurosim.arch.part import Part, Positive


class Directions(Part):
    """One value for each way out of a router of a mesh or torus."""

    east: Positive
    west: Positive
    north: Positive
    south: Positive
    local: Positive


class TreeDirections(Part):
    """One value for each way out of a router of a tree."""

    up: Positive
    down: Positive
    local: Positive


class BusDirections(Part):
    """The one way out of a bus."""

    local: Positive


def _kind_of(ways: object) -> str:
    names = set(ways) if isinstance(ways, dict) else set(type(ways).model_fields)
    return "<tree>" if names & {"up", "down"} else "<bus>" if names == {"local"} else "<grid>"


Ways = Annotated[
    Annotated[Directions, Tag("<grid>")]
    | Annotated[TreeDirections, Tag("<tree>")]
    | Annotated[BusDirections, Tag("<bus>")],
    Discriminator(_kind_of),
]
MULTICAST_PORTS = 62
WAYS = {"mesh": Directions, "torus": Directions, "tree": TreeDirections, "bus": BusDirections}


class KeyTable(Part):
    """Routers that look a packet's key up in a table of (key, mask, ports); a miss goes straight on."""

    entries: Annotated[int, Field(ge=1, le=1 << 20)]
    key_bits: Annotated[int, Field(ge=1, le=64)]


Side = Literal["east", "west", "north", "south", "local"]


class Priority(Part):
    """For each way out, the sides from which packets come in, first served first; sides not named come after them."""

    east: tuple[Side, ...] = ()
    west: tuple[Side, ...] = ()
    north: tuple[Side, ...] = ()
    south: tuple[Side, ...] = ()
    local: tuple[Side, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Priority:
        for out, sides in self:
            if len(set(sides)) < len(sides):
                raise ValueError(f"{out}: got {list(sides)}, expected no side twice")
        return self


class Credits(Part):
    """How long a freed queue slot takes to be known at the sender: core, neighbouring router, router before a core."""

    injection: Positive
    link: Positive
    local: Positive


class Router(Part):
    """Router with credits, dimension order (X first) on a grid; see docs/model.md for its exact timing.

    ``delivery``: ``unicast``, a packet for each destination, or ``multicast``, one packet a spike that routers copy
    where its ways part. ``key_table`` is how many table entries a router has for that; null: no limit is modelled.

    A packet with a ``relative`` address carries the tiles still to go, ``dx_bits`` and ``dy_bits`` of its bits, as
    two's complement numbers; what does not fit cannot be sent. ``priority`` and such addresses are for grids.
    """

    virtual_channels: Annotated[int, Field(ge=1, le=16)] = 1
    queue_depth_flits: Annotated[int, Field(ge=1, le=4096)]
    flits_per_packet: Annotated[int, Field(ge=1, le=64)] = 1
    packet_bits: Annotated[int, Field(ge=1, le=4096)]
    injection_cycles: Positive
    latency_cycles: Ways
    interval_cycles: Ways
    credit_cycles: Credits
    delivery: Literal["unicast", "multicast"] = "unicast"
    key_table: KeyTable | None = None
    arbitration: Literal["round_robin", "fixed_priority"] = "round_robin"
    priority: Priority | None = None
    address: Literal["absolute", "relative"] = "absolute"
    dx_bits: Annotated[int, Field(ge=1, le=16)] | None = None
    dy_bits: Annotated[int, Field(ge=1, le=16)] | None = None

    @model_validator(mode="after")
    def _together(self) -> Router:
        if (self.priority is None) == (self.arbitration == "fixed_priority"):
            raise ValueError("priority: expected exactly where arbitration is 'fixed_priority'")
        for name in ("dx_bits", "dy_bits"):
            if (getattr(self, name) is None) == (self.address == "relative"):
                raise ValueError(f"{name}: expected exactly where address is 'relative'")
        if self.address == "relative" and self.delivery == "multicast":
            raise ValueError("address: relative names one destination; expected only with delivery: unicast")
        if self.address_bits > self.packet_bits:
            raise ValueError(
                f"packet_bits: got {self.packet_bits}, expected at least the {self.address_bits} of dx_bits and dy_bits"
            )
        return self

    @property
    def address_bits(self) -> int:
        """Bits of a packet that hold a relative address."""
        return (self.dx_bits or 0) + (self.dy_bits or 0)

    @model_validator(mode="after")
    def _multicast(self) -> Router:
        if self.delivery == "multicast" and self.flits_per_packet > 1:
            raise ValueError(
                f"flits_per_packet: got {self.flits_per_packet}, expected 1 with delivery: multicast; packets of "
                "several flits that part in routers can block each other for ever"
            )
        if self.key_table is not None and self.delivery != "multicast":
            raise ValueError("key_table: expected only with delivery: multicast")
        return self
