"""Numbers with the unit a reader expects."""

from __future__ import annotations

_PJ = ((1e12, "J"), (1e9, "mJ"), (1e6, "uJ"), (1e3, "nJ"), (1.0, "pJ"))
_S = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"), (1e-12, "ps"))
_BITS = ((8 * 1024 * 1024, "MiB"), (8 * 1024, "KiB"), (8, "B"))


def _scaled(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    for size, unit in steps:
        if abs(value) >= size:
            return f"{value / size:.4g} {unit}"
    size, unit = steps[-1]
    return f"{value / size:.4g} {unit}"


def energy(pj: float) -> str:
    """Picojoules as pJ, nJ, uJ, mJ or J."""
    return _scaled(pj, _PJ)


def time(seconds: float) -> str:
    """Seconds as ns, us, ms or s."""
    return _scaled(seconds, _S)


def bits(n: int) -> str:
    """Bits as B, KiB or MiB (8 bits a byte)."""
    return f"{n} bit" if n < 8 else _scaled(n, _BITS)


def count(n: float) -> str:
    """A count with thousands separators."""
    return f"{n:,.0f}"


def percent(share: float) -> str:
    """A share of 0..1 as per cent with one decimal."""
    return f"{100 * share:.1f} %"
