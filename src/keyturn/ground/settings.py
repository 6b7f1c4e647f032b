"""`settings.toml`: every setting with its default, its bounds and what it does.

The file is a person's own: it is parsed strictly, and edited in place so that comments stay.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import printable

MEND = "correct it, or move the file away: then the defaults hold"


class Preset(StrEnum):
    """How much one approval allows."""

    STRICT = "strict"
    BALANCED = "balanced"
    LOGIN_SESSION = "login-session"


class Approval(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What a terminal session's approval is for, and how long it lasts."""

    preset: Annotated[
        Preset,
        msgspec.Meta(
            description="what one approval is for: one item and executable (strict), an account at one "
            "terminal (balanced), an account at all terminals until it locks (login-session)"
        ),
    ] = Preset.BALANCED
    inherit: Annotated[
        bool,
        msgspec.Meta(description="a program without a terminal comes under the approval of what started it"),
    ] = True

    idle_minutes: Annotated[
        int, msgspec.Meta(ge=1, le=720, description="an approval ends after this long without use")
    ] = 10
    hard_hours: Annotated[
        int, msgspec.Meta(ge=1, le=24, description="an approval ends after this long in any case")
    ] = 12


AUTHENTICATORS = ("touch-id", "polkit", "slot", "pam", "password")


class Authentication(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """How a person agrees."""

    order: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description=f"the ways in which a person may agree, tried in this order; known: "
            f"{', '.join(AUTHENTICATORS)}"
        ),
    ] = AUTHENTICATORS
    pam_service: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]*)?\Z",
            description="the PAM service that is asked; empty: keyturn, if the machine has it",
        ),
    ] = ""

    def __post_init__(self) -> None:
        unknown = [name for name in self.order if name not in AUTHENTICATORS]
        if unknown:
            raise ValueError(f"no way to agree is called {unknown[0]}; known: {', '.join(AUTHENTICATORS)}")
        if not self.order or len(set(self.order)) < len(self.order):
            raise ValueError(f"order names each way once, and at least one of: {', '.join(AUTHENTICATORS)}")


class Lock(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """When the agent forgets the keys by itself."""

    idle_hours: Annotated[
        int, msgspec.Meta(ge=1, le=168, description="all accounts lock after this long without use")
    ] = 12
    on_suspend: Annotated[
        bool, msgspec.Meta(description="all accounts lock when the machine goes to sleep")
    ] = True
    on_screen_lock: Annotated[
        bool, msgspec.Meta(description="all approvals end when the screen locks; the keys stay")
    ] = True


class Prompt(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Questions to the person."""

    timeout_seconds: Annotated[
        int, msgspec.Meta(ge=5, le=3600, description="a question that nobody answers is taken for a no")
    ] = 120
    desktop: Annotated[
        bool, msgspec.Meta(description="a program with a desktop and no terminal is asked in a window")
    ] = True
    browser: Annotated[
        bool, msgspec.Meta(description="a sign-in opens its page in the browser; without, a code is shown")
    ] = True
    pinentry: Annotated[
        str,
        msgspec.Meta(
            max_length=4096, description="the program that shows the window, an absolute path; empty: found"
        ),
    ] = ""


class Vault(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """The vault files."""

    versions_kept: Annotated[
        int, msgspec.Meta(ge=0, le=100, description="older versions of each vault kept beside it, encrypted")
    ] = 5


class Executables(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Which programs may receive credentials without a question."""

    trusted_directories: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="executables in these directories are run without asking about their path"),
    ] = ()


class Files(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Files that a command gets its credential in."""

    on_disk: Annotated[
        bool,
        msgspec.Meta(description="where no file system is in memory, such files may be on a disk meanwhile"),
    ] = False


class Aws(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Temporary credentials of AWS."""

    session_hours: Annotated[
        int,
        msgspec.Meta(ge=1, le=36, description="how long the keys last that a one-time code was used for"),
    ] = 12
    endpoints: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="addresses (https://…) that may be asked for credentials besides AWS's own and this "
            "machine's, where an environment or a configuration file names them"
        ),
    ] = ()
    process_seconds: Annotated[
        int,
        msgspec.Meta(ge=1, le=600, description="how long a profile's credential_process may take"),
    ] = 60

    def __post_init__(self) -> None:
        if any(not each.startswith("https://") for each in self.endpoints):
            raise ValueError("an endpoint begins with https://")


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    approval: Approval = Approval()
    authentication: Authentication = Authentication()
    lock: Lock = Lock()
    prompt: Prompt = Prompt()
    vault: Vault = Vault()
    executables: Executables = Executables()
    files: Files = Files()
    aws: Aws = Aws()


def load(path: Path) -> Settings:
    """The settings in the file at `path`; the defaults where there is none.

    Raises ConfigurationError that names file, key and what was expected.
    """
    try:
        content, _ = files.read(path, 1024 * 1024)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}", files.remedy(error)) from None
    return _parse(content, path)


def _parse(content: bytes, path: Path) -> Settings:
    import tomllib

    try:
        table = tomllib.loads(content.decode())
        return msgspec.convert(table, Settings)
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not UTF-8 text", MEND) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {_lower(str(error))}", MEND) from None
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        key = place.strip(".`")
        raise ConfigurationError(f"{path}: {_complaint(what, key)}", MEND) from None


# What the parser calls the kinds of values, and what a person who writes TOML calls them.
_KINDS = {
    "`str`": "text",
    "`int`": "a whole number",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "a table",
}


def _complaint(what: str, key: str) -> str:
    """The parser's words about the value at `key` (empty: the whole file) as the person's own."""
    import difflib
    import re

    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", what, re.DOTALL)
    if unknown:
        wrong = f"{key}.{unknown[1]}".lstrip(".")
        known = [row[0] for row in rows(Settings())] if key else list(Settings.__struct_fields__)
        near = difflib.get_close_matches(wrong, known, n=1)
        return f"{wrong}: unknown key" + (f"; did you mean “{near[0]}”?" if near else "")
    if what.startswith("Invalid enum value"):
        what = f"expected one of {', '.join(Preset)}"
    for theirs, ours in _KINDS.items():
        what = what.replace(theirs, ours)
    what = what.replace("a whole number >=", "a whole number, at least").replace(
        "a whole number <=", "a whole number, at most"
    )
    return f"{key}: {_lower(what)}" if key else _lower(what)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def rows(settings: Settings) -> list[tuple[str, Any, Any, str]]:
    """Every setting as (key, value, default, description), for listings and the generated page."""
    found = []
    for section in Settings.__struct_fields__:
        values, defaults = getattr(settings, section), getattr(Settings(), section)
        hints = get_type_hints(type(values), include_extras=True)
        for key in values.__struct_fields__:
            meta = next(extra for extra in get_args(hints[key]) if isinstance(extra, msgspec.Meta))
            row = (f"{section}.{key}", getattr(values, key), getattr(defaults, key), meta.description or "")
            found.append(row)
    return found


def _known(key: str) -> None:
    keys = [row[0] for row in rows(Settings())]
    if key not in keys:
        import difflib

        near = difflib.get_close_matches(key, keys, n=1, cutoff=0.7)
        hints = [f"did you mean: {near[0]}"] if near else []
        raise UsageError(f"no setting is called {printable(key)}", *hints, "see: keyturn settings")


def get(settings: Settings, key: str) -> Any:
    """One setting's value. Raises UsageError for an unknown key."""
    _known(key)
    return next(value for name, value, _, _ in rows(settings) if name == key)


def text(value: object) -> str:
    """A setting's value as `change` takes it."""
    if isinstance(value, tuple | bool):
        # Lists of text, true and false are the same in TOML and JSON.
        return json.dumps(value)
    return str(value)


def change(path: Path, key: str, value: str | None) -> None:
    """Set `key` to what `value` says (TOML, or bare text for a string); None takes it out. Comments stay.

    Raises UsageError for an unknown key or a value out of bounds, and leaves the file as it was then.
    """
    _known(key)
    load(path)
    if value is None and not path.exists():
        return
    with files.changing(path):
        # Read again under the lock: another change may just have been written.
        load(path)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        files.write_atomically(path, _changed(text, path, key, value))


def _changed(text: str, path: Path, key: str, value: str | None) -> bytes:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    document = tomlkit.parse(text)
    section, name = key.split(".")
    if value is None:
        table = document.get(section)
        if table is not None and name in table:
            del table[name]
    else:
        try:
            parsed = tomlkit.parse(f"value = {value}")["value"]
        except TOMLKitError:
            parsed = tomlkit.item(value)
        if section not in document:
            document[section] = tomlkit.table()
        document[section][name] = parsed
    content = tomlkit.dumps(document).encode()
    try:
        _parse(content, path)
    except ConfigurationError as error:
        detail = error.message.removeprefix(f"{path}: ").removeprefix(f"{key}: ")
        raise UsageError(f"{key} cannot be {value}: {detail}", "see: keyturn settings") from None
    return content
