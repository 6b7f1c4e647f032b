"""The page of docs/reference that lists where a plugin does otherwise than 1Password's of the same tool."""

from collections.abc import Iterable

from keyturn.catalogue import cases, loader
from keyturn.catalogue.cases import Deviation

INTRODUCTION = """
# Where the plugins do otherwise than 1Password's

Names, variables, files and rules of the built-in plugins began as facts read out of 1Password's
[shell plugins](https://github.com/1Password/shell-plugins). Where the tool itself says otherwise, the tool is
right. Each such place is a row here; “theirs” is 1Password's plugin of the same tool.
"""

EVERYWHERE = (
    Deviation(
        "a word is looked for where it means something: `help` as the command, `--help` as an option, `login`"
        " as the command or its part",
        "theirs looks for it anywhere: `gh pr create --title help` goes without a token, and `psql -h host`"
        " without a password",
        "cases of every plugin",
    ),
    Deviation(
        "in doubt a command authenticates: behind an option that is not known, nothing is certain",
        "a question too many is better than a command that fails, or runs as somebody else",
        "[how it works](../explanation/how-it-works.md)",
    ),
    Deviation(
        "what a shell calls for completion (`__complete`, `--generate-bash-completion`) asks nobody",
        "it runs at each press of Tab",
        "<https://github.com/spf13/cobra/blob/main/completions.go>",
    ),
    Deviation(
        "an optional field that an item lacks leaves the variable alone, or takes a secret one out",
        "theirs sets it to nothing, which some tools take for a value",
        "[plugin files](plugin-schema.md)",
    ),
    Deviation(
        "a credential of which a part is missing is reported, not offered; equal ones are offered once",
        "half of a credential, or an empty one, is none",
        "cases of every plugin",
    ),
    Deviation(
        "values are quoted as the format of a file wants it; what it cannot carry is refused",
        "a quote, # or line break would have been another value, or another line",
        "[plugin files](plugin-schema.md)",
    ),
    Deviation(
        "a file for a command is in a private directory in memory, never at a path of the user's",
        "theirs writes some over the user's own settings, and deletes them afterwards",
        "[how it works](../explanation/how-it-works.md)",
    ),
    Deviation(
        "arguments come before a bare `--`",
        "behind it they are another program's",
        "[plugin files](plugin-schema.md)",
    ),
)


class NoDeviationsError(Exception):
    """No plugin has any, so the case files were not found."""


def page(note: str) -> str:
    """The whole page, below the `note` that it is generated."""
    parts = [note, INTRODUCTION, "## Every plugin\n", table(EVERYWHERE)]
    rows = 0
    for name in loader.names(loader.BUILT_IN):
        found = cases.load_cases(cases.path_beside(loader.BUILT_IN / f"{name}.toml")).deviations
        rows += len(found)
        if found:
            plugin = loader.load(name, loader.BUILT_IN)
            parts += [f"## {plugin.platform} (`{name}`)\n", table(found)]
    if not rows:
        raise NoDeviationsError(f"no case file below {loader.BUILT_IN} has a deviation")
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def table(deviations: Iterable[Deviation]) -> str:
    """One row for each: what is done here, why, and where that can be looked up."""
    lines = ["| here | because | source |", "|---|---|---|"]
    for each in deviations:
        source = f"<{each.source}>" if each.source.startswith("https://") else each.source
        lines.append(f"| {cell(each.what)} | {cell(each.because)} | {cell(source)} |")
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """Text that a cell of a table can hold."""
    return text.replace("|", "\\|")
