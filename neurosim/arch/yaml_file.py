"""YAML from a stranger: small, in UTF-8, no aliases, no key twice; a broken file is an error with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 128 * 1024


class YamlError(ValueError):
    """Why a file is not usable YAML; one line, without the file's name."""


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases, through which a small file can stand for billions of values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            where = f"line {event.start_mark.line + 1}"
            raise YamlError(f"{where}: alias *{event.anchor}; aliases are not supported, write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise YamlError(f"line {key.start_mark.line + 1}: key {key.value!r} given twice; keep one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Plain data of one file. Raises YamlError for anything that is not small, clean YAML, OSError as open does."""
    with path.open("rb") as stream:
        raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise YamlError(f"larger than {MAX_BYTES} bytes, the most that is read; is it the right file?")
    try:
        return yaml.load(raw.decode("utf-8"), _Loader)
    except YamlError:
        raise
    except UnicodeDecodeError as error:
        raise YamlError(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except RecursionError as error:
        raise YamlError("not valid YAML: nested too deeply") from error
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise YamlError(f"not valid YAML: {line}{error.problem}") from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError) as error:
        # A value that its own tag or form belies, such as the date 2001-99-99, ends in a plain Python error.
        reason = " ".join(str(error).split())[:120]
        raise YamlError(f"not valid YAML: a value does not fit its type ({reason})") from error
