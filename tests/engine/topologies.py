"""Router plans of every topology for tests, small and with p3's times."""

from __future__ import annotations

from dataclasses import replace

from neurosim.engine.noc import p3_router
from neurosim.engine.plan import RouterPlan


def mesh(width: int, height: int, **changes) -> RouterPlan:
    return replace(p3_router(width, height), **changes)


def torus(width: int, height: int, **changes) -> RouterPlan:
    return replace(p3_router(width, height, 2), topology="torus", **changes)


def tree(arity: int, levels: int, **changes) -> RouterPlan:
    return replace(p3_router(arity**levels, 1), topology="tree", arity=arity, levels=levels, **changes)


def bus(cores: int, **changes) -> RouterPlan:
    return replace(p3_router(1, 1), topology="bus", cores_per_tile=cores, **changes)
