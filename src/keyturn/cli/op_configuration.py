"""What 1Password's `op plugin init` has written down: which item which executable uses, and where.

One JSON file an executable, in `plugins` of its configuration directory, and in `.op/plugins` of a directory
for a default there. No page describes them; they hold ids, no secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import is_id, printable

LARGEST = 64 * 1024
_ALIAS = re.compile(
    r"""^\s*alias\s+([A-Za-z0-9_.+-]{1,64})=["']?op plugin run -- \1["']?\s*$""", re.MULTILINE
)


class _Credential(msgspec.Struct):
    plugin: str
    vault_id: str
    item_id: str
    credential_type: str = ""


class _File(msgspec.Struct):
    account_id: str
    entrypoint: list[str]
    credentials: list[_Credential]


@dataclass(frozen=True)
class Entry:
    """One item that an executable uses; `directory` None: everywhere."""

    source: Path
    account: str
    executable: str
    plugin: str
    vault: str
    item: str
    directory: str | None


def configuration(environment: Mapping[str, str]) -> Path | None:
    """Where `op` keeps its own; None if it never did."""
    home = environment.get("HOME", "/")
    named = [environment["OP_CONFIG_DIR"]] if environment.get("OP_CONFIG_DIR") else []
    xdg = environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    for place in (*named, f"{home}/.op", f"{xdg}/op"):
        if Path(place, "plugins").is_dir() or Path(place, "plugins.sh").exists():
            return Path(place)
    return None


def entries(directory: Path, scope: str | None) -> Iterator[Entry | ConfigurationError]:
    """The entries of one `plugins` directory, and in their places the errors of files that are none."""
    for path in sorted(directory.glob("*.json")):
        try:
            content, _ = files.read(path, LARGEST)
            found = msgspec.json.decode(content, type=_File)
        except OSError as error:
            yield ConfigurationError(f"cannot read {path}: {files.reason(error)}", files.remedy(error))
            continue
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield ConfigurationError(f"{path} is not what op plugin init writes", "left alone")
            continue
        are_ids = all(is_id(each.item_id) and is_id(each.vault_id) for each in found.credentials)
        if not found.entrypoint or not are_ids:
            yield ConfigurationError(f"{path} names no executable or no item", "left alone")
            continue
        for each in found.credentials:
            name = found.entrypoint[0]
            yield Entry(path, found.account_id, name, each.plugin, each.vault_id, each.item_id, scope)


def wrapped(path: Path) -> list[str]:
    """The executables that op's plugins.sh wraps; none where there is none. Raises ConfigurationError."""
    try:
        content, _ = files.read(path, LARGEST)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(f"cannot read {printable(str(path), 300)}: {files.reason(error)}") from None
    return _ALIAS.findall(content.decode("utf-8", "replace"))
