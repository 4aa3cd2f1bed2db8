"""An encoder of signals in front of the chip's port: what it can hold. What it costs are actions and a leakage."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from neurosim.arch.part import Part, Positive
from neurosim.arch.prices import LeakageSpec


class FrontEnd(Part):
    """Adders, comparators and shifters of ``width_bits``, and ``states`` numbers for each of ``channels`` signals.

    It takes numbers; the converter that makes them of a voltage is not part of it. ``leakage`` is drawn in runs that
    use it. A chip without a front end leaves encoding to its host, unpriced.
    """

    channels: Positive
    states: Positive
    width_bits: Annotated[int, Field(ge=2, le=64)]
    leakage: LeakageSpec
