"""Claims: a file that one process holds. The system lets go of it when that process ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no flock; msvcrt locks the first byte instead.
    fcntl = None  # type: ignore[assignment]
    import msvcrt


def _lock(handle: int, wait: bool) -> bool:
    if fcntl is None:
        try:
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def take(path: Path, wait: bool = False) -> int | None:
    """A handle of the claim, or None while another holds it. Raises OSError where no file can be made there."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not _lock(handle, wait):
            os.close(handle)
            return None
        try:
            # The one who held it took the file away: what is locked here is no longer the claim.
            same = os.stat(path).st_ino == os.fstat(handle).st_ino
        except FileNotFoundError:
            same = False
        if same:
            return handle
        os.close(handle)


def give(path: Path, handle: int) -> None:
    """Let go of a claim and take its file away."""
    path.unlink(missing_ok=True)
    os.close(handle)


@contextmanager
def waiting_claim(path: Path) -> Iterator[None]:
    """Hold a claim for the length of a block, after waiting for it."""
    path.parent.mkdir(exist_ok=True)
    handle = take(path, wait=True)
    try:
        yield
    finally:
        if handle is not None:
            give(path, handle)
