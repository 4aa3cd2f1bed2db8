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


class Credits(Part):
    """How long a freed queue slot takes to be known at the sender: core, neighbouring router, router before a core."""

    injection: Positive
    link: Positive
    local: Positive


class Router(Part):
    """Router with credits, dimension order (X first) on a grid; see docs/model.md for its exact timing.

    ``delivery``: ``unicast``, a packet for each destination, or ``multicast``, one packet a spike that routers copy
    where its ways part. ``key_table`` is how many table entries a router has for that; null: no limit is modelled.
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
