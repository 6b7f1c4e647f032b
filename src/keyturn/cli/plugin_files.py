"""The file that a command about plugins is to look at: by its path, or by the plugin's name."""

from __future__ import annotations

from pathlib import Path

from keyturn.catalogue import cases, loader
from keyturn.catalogue.cases import Cases
from keyturn.catalogue.own import SUFFIX
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import is_plugin_name, printable
from keyturn.sdk.schema import Plugin

HINT = "what stands in a plugin's file: docs/reference/plugin-schema.md"


def find(word: str) -> Path:
    """The file of the plugin of this name, one's own before a built-in one, or the file at this path.

    Raises UsageError if there is neither.
    """
    if is_plugin_name(word):
        for directory in (loader.own().directory, loader.BUILT_IN):
            if (path := directory / f"{word}{SUFFIX}").is_file():
                return path
    path = Path(word)
    if not path.is_file():
        raise UsageError(
            f"there is no file and no plugin {printable(word, 300)}", "make one: keyturn plugin new NAME"
        )
    return path.absolute()


def checked(path: Path) -> Plugin:
    """The plugin in the file. Raises ConfigurationError: file, line, key, and what was expected."""
    if path.parent == loader.BUILT_IN:
        return loader.load(path.stem)
    try:
        return loader.own().check(path)
    except ConfigurationError as error:
        raise ConfigurationError(error.message, *(error.hints or [HINT])) from None


def cases_of(path: Path) -> Cases:
    """The cases of the plugin in the file at `path`, which are to be there. Raises ConfigurationError."""
    try:
        return cases.load_cases(cases.path_beside(path))
    except ConfigurationError as error:
        hint = "every plugin has cases, beside its file; keyturn plugin new writes the first ones"
        raise ConfigurationError(error.message, hint) from None


def own_files() -> list[Path]:
    """All files of one's own plugins, the broken ones too."""
    return sorted(path for path in loader.own().directory.glob(f"*{SUFFIX}") if not path.name.startswith("."))
