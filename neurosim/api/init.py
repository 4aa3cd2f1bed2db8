"""Commented starting files: a chip, a study or a workload of one's own, valid as they are written."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import tempfile
from pathlib import Path

from neurosim.errors import NeurosimError
from neurosim.files import replacing

TEMPLATES = Path(__file__).parent / "templates"
WHAT = ("chip", "study", "workload")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def study_kinds() -> list[str]:
    """Kinds of study that have a starting file, ``compare`` first."""
    kinds = {path.stem.removeprefix("study-") for path in TEMPLATES.glob("study-*.txt")}
    return sorted(kinds, key=lambda kind: (kind != "compare", kind))


def init(what: str, name: str, folder: Path = Path(), *, kind: str = "compare") -> list[Path]:
    """Write a starting file and return what was written: ``NAME.yaml`` for a chip or a study, a folder ``NAME`` for a
    workload (its file, the script that builds its network, and the network and data that the script made).

    ``kind`` is that of a study (`study_kinds`). Nothing is ever overwritten. Raises NeurosimError for a name that is
    taken or no name, and for a kind that does not exist.
    """
    if what not in WHAT:
        raise NeurosimError(f"init: got {what!r}, expected one of {', '.join(WHAT)}")
    if not _NAME.fullmatch(name):
        raise NeurosimError(
            f"init: name {name[:80]!r}: expected 1 to 64 letters, digits, dots, dashes and underscores, a letter or "
            "digit first; choose the folder with --out"
        )
    folder = Path(folder)
    if what == "workload":
        return _workload(name, folder)
    if what == "study" and kind not in study_kinds():
        raise NeurosimError(f"init: kind of study {kind!r}, expected one of {', '.join(study_kinds())}")
    text = _filled("chip" if what == "chip" else f"study-{kind}", name)
    return [_write_new(folder / f"{name}.yaml", text)]


def _filled(template: str, name: str) -> str:
    return (TEMPLATES / f"{template}.txt").read_text("utf-8").replace("@NAME@", name)


def _write_new(path: Path, text: str) -> Path:
    """Whole or not at all, and never over something that is there."""
    _check_free(path)
    # The link fails where a file has come into being since, which a rename would overwrite.
    with tempfile.TemporaryDirectory(prefix=".init-", dir=_made(path.parent)) as scratch:
        with replacing(Path(scratch) / path.name) as temporary:
            temporary.write_text(text, "utf-8")
        try:
            os.link(Path(scratch) / path.name, path)
        except FileExistsError:
            _check_free(path)
        except OSError:
            # A file system without hard links.
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
    return path


def _workload(name: str, folder: Path) -> list[Path]:
    target = folder / name
    _check_free(target)
    scratch = Path(tempfile.mkdtemp(prefix=".init-", dir=_made(folder)))
    try:
        (scratch / "workload.yaml").write_text(_filled("workload", name), "utf-8")
        (scratch / "build.py").write_text(_filled("build", name), "utf-8")
        runpy.run_path(str(scratch / "build.py"))
        scratch.chmod(0o755)
        _check_free(target)
        os.rename(scratch, target)
    except OSError as error:
        raise NeurosimError(f"{target}: cannot be written ({error.strerror}); choose another folder") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return [target / "workload.yaml", target / "build.py", target / "model.npz", target / "data.npz"]


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NeurosimError(f"{folder}: cannot be written ({error.strerror}); choose another with --out") from error
    return folder


def _check_free(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise NeurosimError(f"{path}: is already there and is left as it is; choose another name, or --out FOLDER")
