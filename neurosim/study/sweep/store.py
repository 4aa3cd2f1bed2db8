"""The store of a sweep: a folder in which every file is there whole or not at all.

    STORE/<first 16 of the study's hash>/
        study.json             which study this is, and how many points and blocks
        parts/block-000000.parquet   rows of a block, written to another name, flushed to the disk, then renamed
        claims/block-000000    held by the process that works on the block (`neurosim.study.sweep.claim`)
        traces/                spike traces (`neurosim.study.sweep.trace_file`)
        points.parquet         all rows in the order of the points, once all blocks are there

Another study, or the same study of a changed file, has another hash and another folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim import __version__
from neurosim.errors import NeurosimError
from neurosim.files import replacing
from neurosim.study.sweep import claim

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "neurosim-sweep/1"


class Store:
    """One study's folder. ``blocks`` are the point numbers of each block."""

    def __init__(self, root: Path, key: str, title: str, blocks: Sequence[np.ndarray]) -> None:
        self.folder = Path(root) / key[:16]
        self.key, self.blocks = key, blocks
        self.held: dict[int, int] = {}
        try:
            for name in ("parts", "claims"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NeurosimError(f"{self.folder}: cannot be made ({error.strerror}); choose another --store") from error
        self._introduce(title)

    @property
    def final(self) -> Path:
        return self.folder / "points.parquet"

    def part(self, number: int) -> Path:
        return self.folder / "parts" / f"block-{number:06d}.parquet"

    def _introduce(self, title: str) -> None:
        """Write study.json, or hold it to this study."""
        path = self.folder / "study.json"
        told = {
            "format": FORMAT, "key": self.key, "title": title, "neurosim": __version__,
            "points": int(sum(len(b) for b in self.blocks)), "blocks": len(self.blocks),
        }  # fmt: skip
        if path.exists():
            try:
                known = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError):
                known = None
            if known is not None and any(known.get(k) != told[k] for k in ("format", "key", "points", "blocks")):
                raise NeurosimError(f"{path}: is of another study or version; choose another --store")
            if known is not None:
                return
        with durable(path) as temporary:
            temporary.write_text(json.dumps(told, indent=2) + "\n", "utf-8")

    def complete(self) -> bool:
        """Whether all rows are in the final file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            known = pq.read_metadata(self.final)
        except (OSError, pa.ArrowInvalid):
            return False
        return known.num_rows == sum(len(b) for b in self.blocks) and known.metadata.get(b"study") == self.key.encode()

    def done(self) -> set[int]:
        """Blocks whose part is there and readable. A damaged part is taken away, so that its block runs again."""
        return {number for number in range(len(self.blocks)) if self.has(number)}

    def has(self, number: int) -> bool:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.part(number)
        try:
            if pq.read_metadata(path).num_rows == len(self.blocks[number]):
                return True
        except FileNotFoundError:
            return False
        except (OSError, pa.ArrowInvalid):
            pass
        path.unlink(missing_ok=True)
        return False

    def claim(self, number: int) -> bool:
        """Take a block for this process; False while another has it, or when its part is there by now."""
        path = self.folder / "claims" / f"block-{number:06d}"
        try:
            handle = claim.take(path)
        except OSError as error:
            raise NeurosimError(f"{path}: cannot be locked ({error.strerror}); choose another --store") from error
        if handle is None:
            return False
        if self.has(number):
            claim.give(path, handle)
            return False
        self.held[number] = handle
        return True

    def release(self, number: int) -> None:
        """Let go of a block that this process holds."""
        handle = self.held.pop(number, None)
        if handle is not None:
            claim.give(self.folder / "claims" / f"block-{number:06d}", handle)

    def write(self, number: int, table: pa.Table) -> None:
        """Keep the rows of a block for good."""
        import pyarrow.parquet as pq

        with durable(self.part(number)) as temporary:
            pq.write_table(table, temporary)
        self.release(number)

    def consolidate(self, columns: Sequence[str]) -> Path:
        """All rows in the order of the points, in one file; the same bytes whoever computed which block.

        ``columns`` come first; every row has them.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables = [pq.read_table(self.part(number)) for number in range(len(self.blocks))]
        whole = pa.concat_tables(tables, promote_options="permissive")
        order = np.argsort(whole.column("point").to_numpy(), kind="stable")
        whole = whole.take(pa.array(order))
        whole = whole.select(_ordered(whole.column_names, columns))
        whole = whole.replace_schema_metadata({"neurosim": __version__, "study": self.key})
        with durable(self.final) as temporary:
            pq.write_table(whole, temporary)
        return self.final


def _ordered(names: Sequence[str], first: Sequence[str]) -> list[str]:
    """``first``, then the others as they appeared, the parts of a total (``energy_pj.router``) behind it by name."""
    rest = [name for name in names if name not in first]
    heads = {head: k for k, head in reversed(list(enumerate(name.partition(".")[0] for name in rest)))}
    return [*first, *sorted(rest, key=lambda name: (heads[name.partition(".")[0]], "." in name, name))]


@contextmanager
def durable(path: Path) -> Iterator[Path]:
    """`replacing`, with the bytes on the disk before the name is there, and the name before anyone goes on."""
    with replacing(path) as temporary:
        yield temporary
        _flush(temporary, os.O_RDWR)
    # Some file systems cannot flush a folder; a name lost there costs one block, which runs again.
    with suppress(OSError):
        if os.name == "posix":
            _flush(path.parent, os.O_RDONLY)


def _flush(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
