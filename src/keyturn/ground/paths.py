"""Where Keyturn's files are, and why (XDG Base Directory Specification)."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keyturn.ground.errors import ConfigurationError

# sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included (unix(7), unix(4)).
SOCKET_PATH_LIMIT = 107 if sys.platform == "linux" else 103

OVERRIDES = ("KEYTURN_CONFIG_DIR", "KEYTURN_DATA_DIR", "KEYTURN_STATE_DIR", "KEYTURN_RUNTIME_DIR")


@dataclass(frozen=True)
class Directories:
    """The four directories of one installation; every path of Keyturn's own is below one of them."""

    config: Path
    data: Path
    state: Path
    runtime: Path

    @property
    def tag(self) -> str:
        """Tells agents apart that share a runtime directory: one agent a configuration and data directory."""
        text = b"\0".join(os.fsencode(path) for path in (self.config, self.data))
        return hashlib.sha256(text).hexdigest()[:12]

    @property
    def socket(self) -> Path:
        return self.runtime / f"agent-{self.tag}.sock"

    @property
    def agent_lock(self) -> Path:
        return self.runtime / f"agent-{self.tag}.lock"

    @property
    def start_lock(self) -> Path:
        return self.runtime / f"agent-{self.tag}.start"

    @property
    def sessions(self) -> Path:
        """Where the defaults of terminal sessions are."""
        return self.runtime / f"sessions-{self.tag}"

    @property
    def agent_log(self) -> Path:
        return self.state / "agent.log"

    @property
    def audit_log(self) -> Path:
        return self.state / "audit.jsonl"

    @property
    def one_time_codes(self) -> Path:
        """Which one-time codes were used already; never the codes."""
        return self.state / "one-time-codes.json"

    @property
    def sign_ins(self) -> Path:
        """Where single sign-on's tokens are, a file an account, each sealed for that account."""
        return self.state / "sign-ins"

    @property
    def told(self) -> Path:
        return self.state / "told.json"

    @property
    def settings(self) -> Path:
        return self.config / "settings.toml"

    @property
    def accounts(self) -> Path:
        return self.config / "accounts.json"

    @property
    def defaults(self) -> Path:
        return self.config / "defaults.json"

    @property
    def plugins_sh(self) -> Path:
        return self.config / "plugins.sh"

    @property
    def launcher(self) -> Path:
        return self.data / "launcher"

    @property
    def shims(self) -> Path:
        """The directory that goes first on PATH."""
        return self.data / "shims"

    @property
    def pins(self) -> Path:
        return self.state / "pins"

    @property
    def approval_passwords(self) -> Path:
        return self.state / "approval"

    def as_environment(self) -> dict[str, str]:
        """The overrides that lead another process to these same directories."""
        return dict(zip(OVERRIDES, map(str, (self.config, self.data, self.state, self.runtime)), strict=True))


def resolve(environment: Mapping[str, str], uid: int) -> Directories:
    """The directories that `environment` asks for; nothing is created.

    Raises ConfigurationError for a relative override, an unknown home, and a socket path that
    the system could not bind.
    """
    found = Directories(
        config=_base(environment, "KEYTURN_CONFIG_DIR", "XDG_CONFIG_HOME", ".config"),
        data=_base(environment, "KEYTURN_DATA_DIR", "XDG_DATA_HOME", ".local/share"),
        state=_base(environment, "KEYTURN_STATE_DIR", "XDG_STATE_HOME", ".local/state"),
        runtime=_runtime(environment, uid),
    )
    length = len(os.fsencode(found.socket))
    if length > SOCKET_PATH_LIMIT:
        raise ConfigurationError(
            f"the socket path {found.socket} has {length} bytes; the system takes {SOCKET_PATH_LIMIT}",
            "set KEYTURN_RUNTIME_DIR to a shorter directory of yours with mode 0700",
        )
    return found


def _override(environment: Mapping[str, str], name: str) -> Path | None:
    value = environment.get(name, "")
    if not value:
        return None
    if not os.path.isabs(value):
        raise ConfigurationError(
            f"{name} is not an absolute path", f"unset {name}, or set it to one that begins with /"
        )
    return Path(os.path.normpath(value))


def _base(environment: Mapping[str, str], override: str, xdg: str, below_home: str) -> Path:
    chosen = _override(environment, override)
    if chosen is not None:
        return chosen
    value = environment.get(xdg, "")
    # The specification: a relative path in one of its variables is to be ignored.
    if os.path.isabs(value):
        return Path(os.path.normpath(value)) / "keyturn"
    home = environment.get("HOME", "")
    if not os.path.isabs(home):
        state = "not an absolute path" if home else "not set"
        raise ConfigurationError(
            f"HOME is {state}, so there is no place for {below_home}/keyturn",
            f"set HOME, {xdg} or {override}",
        )
    return Path(os.path.normpath(home)) / below_home / "keyturn"


def _runtime(environment: Mapping[str, str], uid: int) -> Path:
    """Never dependent on HOME: the override, XDG_RUNTIME_DIR, /run/user/UID, else a directory in memory."""
    chosen = _override(environment, "KEYTURN_RUNTIME_DIR")
    if chosen is not None:
        return chosen
    value = environment.get("XDG_RUNTIME_DIR", "")
    for candidate in (value, f"/run/user/{uid}"):
        if os.path.isabs(candidate) and is_private(candidate, uid):
            return Path(os.path.normpath(candidate)) / "keyturn"
    if sys.platform == "darwin":
        # _CS_DARWIN_USER_TEMP_DIR: a directory of this user's alone, made by the system (confstr(3)).
        return Path(os.confstr(65537) or f"/tmp/keyturn-{uid}") / "keyturn"
    return Path(f"/dev/shm/keyturn-{uid}")


# The four directories, in the order of OVERRIDES.
KINDS = ("configuration", "data", "state", "runtime")


def reasons(environment: Mapping[str, str], uid: int) -> dict[str, str]:
    """Why `resolve` chose each of the four directories: the variable, or what stands in for it."""
    found = {}
    for kind, override, xdg in zip(
        KINDS,
        OVERRIDES,
        ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"),
        strict=True,
    ):
        if environment.get(override):
            found[kind] = override
        elif kind == "runtime":
            found[kind] = _runtime_reason(environment, uid)
        else:
            found[kind] = xdg if os.path.isabs(environment.get(xdg, "")) else "below HOME"
    return found


def _runtime_reason(environment: Mapping[str, str], uid: int) -> str:
    value = environment.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(value) and is_private(value, uid):
        return "XDG_RUNTIME_DIR"
    why = "XDG_RUNTIME_DIR is not a private directory of yours" if value else "XDG_RUNTIME_DIR is not set"
    return f"the login session's; {why}" if is_private(f"/run/user/{uid}", uid) else f"in memory; {why}"


def is_below(path: str, directory: str) -> bool:
    """Whether `path` is `directory` or in it, by parts: `/srv/app` does not hold `/srv/app-old/aws`.

    Both are absolute and have their links resolved; nothing is looked up here.
    """
    return os.path.commonpath([path, directory]) == os.path.normpath(directory)


def is_private(path: str | Path, uid: int) -> bool:
    """Whether `path` is a directory of `uid`, no symlink, closed to everybody else."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077
