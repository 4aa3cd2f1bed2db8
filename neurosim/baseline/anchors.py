"""Published accelerators as anchors: what their papers measured, carried over to another job by its operations alone.

No cycle model stands behind these: a job of so many dense multiply-accumulates is given the published energy and rate a
multiply-accumulate, low to high over the networks that were measured. Only figures read in the papers' own abstracts
are used, or arithmetic on them; clock, voltage, word width and buffer sizes of these chips were not, and are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

from neurosim.errors import NeurosimError


@dataclass(frozen=True)
class Anchor:
    """pJ and multiply-accumulates a second, low and high; ``dram_per_mac`` accesses where published."""

    name: str
    low_pj_per_mac: float
    high_pj_per_mac: float
    low_macs_per_s: float | None
    high_macs_per_s: float | None
    dram_per_mac: tuple[float, float] | None
    kind: str
    source: str

    @property
    def pj_per_mac(self) -> float:
        """Geometric mean of the band."""
        return sqrt(self.low_pj_per_mac * self.high_pj_per_mac)


ANCHORS: dict[str, Anchor] = {
    anchor.name: anchor
    for anchor in (
        Anchor(
            "eyeriss-v1", 278e-3 / (35 * 666e6) * 1e12, 236e-3 / (0.7 * 15.3e9) * 1e12, 0.7 * 15.3e9, 35 * 666e6,
            (0.0029, 0.0035), "silicon, 65 nm, row stationary, 168 elements, chip without DRAM",
            "Eyeriss v1: 278 mW at 35 frame/s AlexNet (batch 4), 236 mW at 0.7 frame/s VGG-16 (batch 3), convolutions "
            "(JSSC 2017 abstract); 666e6 and 15.3e9 MACs an image (ISSCC 2016 abstract)",
        ),
        Anchor(
            "vega", 2 / 1.3, 2 / 0.615, None, None, None,
            "silicon, 8-bit inference: with its accelerator (low) and on its cores alone (high)",
            "Vega 2021 abstract: 1.3 TOPS/W and 615 GOPS/W at 8 bits, a MAC being 2 operations",
        ),
        Anchor(
            "nullhop", 2 / 3.0, 2 / 3.0, 225e9, 225e9, None,
            "post-synthesis, 28 nm, skips zero activations: effective operations, so a dense count is generous to it",
            "NullHop TNNLS 2018 abstract: over 3 TOp/s/W, 450 GOp/s on VGG19, a MAC being 2 operations",
        ),
    )
}  # fmt: skip


def cost_anchored(name: str, macs: int) -> dict[str, Any]:
    """Energy and, where a rate was published, time of ``macs`` dense multiply-accumulates.

    Returns ``energy_pj``, ``low_pj``, ``high_pj``, ``seconds`` (low, high) or None, ``dram_accesses`` (low, high) or
    None, ``kind`` and ``source``. Raises NeurosimError for an unknown name.
    """
    if name not in ANCHORS:
        raise NeurosimError(f"anchor: got {name!r}, expected one of {', '.join(ANCHORS)}")
    anchor = ANCHORS[name]
    seconds = None
    if anchor.low_macs_per_s is not None and anchor.high_macs_per_s is not None:
        seconds = macs / anchor.high_macs_per_s, macs / anchor.low_macs_per_s
    return {
        "energy_pj": macs * anchor.pj_per_mac,
        "low_pj": macs * anchor.low_pj_per_mac,
        "high_pj": macs * anchor.high_pj_per_mac,
        "seconds": seconds,
        "dram_accesses": None if anchor.dram_per_mac is None else tuple(macs * share for share in anchor.dram_per_mac),
        "kind": anchor.kind,
        "source": anchor.source,
    }
