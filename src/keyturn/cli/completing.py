"""`keyturn completion`, and what a shell is told that asks what could come next.

click finds out which word is meant; here is what its value can be. Nothing is asked of anybody, no agent is
started and none is kept waiting for: what cannot be known at once is not completed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from keyturn.cli.context import Context
from keyturn.cli.output import line
from keyturn.ground.errors import KeyturnError

# A shell waits for this with the person's finger on the key.
SECONDS = 1.0

# click's own texts are not taken: for bash it puts words into the command line as they are, and titles have
# spaces; zsh gets nothing at the second Tab from it; for fish it cuts a word at its first comma.
# bash 3.2 reads this one.
_BASH = """\
%(complete_func)s() {
    local response line
    response=$(IFS=$'\\n'; COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            plain,*) COMPREPLY[${#COMPREPLY[@]}]=${line#plain,} ;;
            dir,*) compopt -o dirnames 2>/dev/null ;;
            file,*) compopt -o default 2>/dev/null ;;
        esac
    done <<<"$response"
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null ||
    complete -F %(complete_func)s %(prog_name)s
"""

# A file in a directory of $fpath is the body of a function of its name; sourced, it is not.
_ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a response plain described
    local type key help
    response=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \\
        %(complete_var)s=zsh_complete "${words[1]}" 2>/dev/null)}")
    for type key help in ${response}; do
        case $type in
            plain) if [[ $help == _ ]]; then plain+=("$key"); else described+=("$key:$help"); fi ;;
            dir) _path_files -/ ;;
            file) _path_files ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
}
if [[ $funcstack[1] == _%(prog_name)s ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""
_FISH = """\
function %(complete_func)s
    set -lx %(complete_var)s fish_complete
    set -lx COMP_WORDS (commandline -cp | string collect)
    set -lx COMP_CWORD (commandline -t | string collect)
    for line in (%(prog_name)s 2>/dev/null)
        set -l parts (string split -m 1 , -- $line)
        switch $parts[1]
            case dir
                __fish_complete_directories $COMP_CWORD
            case file
                __fish_complete_path $COMP_CWORD
            case plain
                echo -- $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class Bash(BashComplete):
    """For bash, with words quoted as it needs them."""

    source_template = _BASH

    def format_completion(self, item: CompletionItem[Any]) -> str:
        return f"{item.type},{_quoted(str(item.value))}"


def _quoted(word: str) -> str:
    """`word` for the command line: as it is, or with a backslash before what bash would read otherwise."""
    if not word or shlex.quote(word) == word:
        return word
    return "".join(c if c.isalnum() or c in "_-./+@%,:=" or not c.isascii() else "\\" + c for c in word)


class Zsh(ZshComplete):
    source_template = _ZSH


class Fish(FishComplete):
    source_template = _FISH


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> None:
    """Print what completes `keyturn` in SHELL, for one of its files.

    bash: ~/.local/share/bash-completion/completions/keyturn; zsh: _keyturn in a directory of $fpath;
    fish: ~/.config/fish/completions/keyturn.fish.
    """
    kind = SHELLS[shell]
    made = kind(click.Group(), {}, "keyturn", "_KEYTURN_COMPLETE")
    # `source` of click's starts a bash to ask for its version.
    line((made.source_template % made.source_vars()).rstrip("\n"))


def prepare(root: click.Group) -> None:
    """Let `root` and all below it complete values, for the rest of this process."""
    add_completion_class(Bash)
    _attach(root, ())


def _attach(command: click.Command, path: tuple[str, ...]) -> None:
    for parameter in command.params:
        found = _values(path, parameter.name or "")
        if found is not None:
            parameter.shell_complete = _completer(found)  # type: ignore[method-assign, assignment]
    if isinstance(command, click.Group):
        get = command.get_command

        def attached(context: click.Context, name: str) -> click.Command | None:
            below = get(context, name)
            if below is not None:
                _attach(below, (*path, name))
            return below

        command.get_command = attached  # type: ignore[method-assign, assignment]


Values = Callable[[Context], Iterable[str]]


def _completer(values: Values) -> Callable[[click.Context, str], list[CompletionItem[str]]]:
    def complete(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        found = context.find_object(Context)
        if found is None:
            return []
        try:
            words = [word for word in values(found) if word.isprintable()]
        except (KeyturnError, OSError):
            return []
        wanted = incomplete.casefold()
        return [CompletionItem(word) for word in words if word.casefold().startswith(wanted)]

    return complete


def _executables(context: Context) -> Iterable[str]:
    from keyturn.catalogue import loader

    return sorted(loader.listed())


def _set_up(context: Context) -> Iterable[str]:
    from keyturn.cli.inspecting import Inspection

    return Inspection(context.world, elsewhere=True).names(everything=True)


def _wrapped(context: Context) -> Iterable[str]:
    from keyturn.shells import plugins_sh

    return plugins_sh.wrapped(context.world.directories.plugins_sh)


def _shims(context: Context) -> Iterable[str]:
    from keyturn.shells import shims

    return shims.enabled(context.world.directories)


def _plugins(context: Context) -> Iterable[str]:
    from keyturn.catalogue import loader

    return sorted({each.plugin for each in loader.listed().values()})


def _credentials(context: Context) -> Iterable[str]:
    from keyturn.catalogue import loader

    return sorted(loader.credentials())


def _settings(context: Context) -> Iterable[str]:
    from keyturn.ground import settings

    return [key for key, *_ in settings.rows(settings.Settings())]


def _accounts(context: Context) -> Iterable[str]:
    from keyturn.agent.registry import Registry

    return [entry.title for entry in Registry(context.world.directories.accounts).entries()]


def _items(context: Context) -> Iterable[str]:
    return _titles(context, "item")


def _archived(context: Context) -> Iterable[str]:
    return [*_titles(context, "archived"), *_titles(context, "item")]


def _vaults(context: Context) -> Iterable[str]:
    return _titles(context, "vault")


def _titles(context: Context, kind: Any) -> list[str]:
    """Of what is unlocked and approved for this terminal; none without an agent."""
    if not context.world.directories.socket.exists():
        return []
    from keyturn.agent import messages
    from keyturn.agent.requests import ListTitles

    try:
        if not context.agent.connect(start=False):
            return []
        request = ListTitles(account=context.account, kind=kind)
        return messages.convert(context.agent.call(request, seconds=SECONDS), list[str])
    finally:
        context.agent.close()


# Whatever the command: what a parameter of this name means.
EVERYWHERE: dict[str, Values] = {"account": _accounts, "vault": _vaults}
# By command and parameter; None where the name means something new.
OF_COMMAND: dict[tuple[tuple[str, ...], str], Values | None] = {
    (("account", "create"), "vault"): None,
    (("aws", "import"), "item"): _items,
    (("aws", "mfa", "enable"), "item"): _items,
    (("aws", "verify"), "item"): _items,
    (("grant",), "plugin"): _plugins,
    (("item", "delete"), "name"): _items,
    (("item", "edit"), "name"): _items,
    (("item", "get"), "name"): _items,
    (("item", "history"), "name"): _items,
    (("item", "move"), "name"): _items,
    (("item", "move"), "to"): _vaults,
    (("item", "restore"), "name"): _archived,
    (("log",), "item"): _items,
    (("plugin", "clear"), "credential"): _credentials,
    (("plugin", "clear"), "executable"): _set_up,
    (("plugin", "init"), "credential"): _credentials,
    (("plugin", "init"), "executable"): _executables,
    (("plugin", "init"), "item"): _items,
    (("plugin", "inspect"), "executable"): _set_up,
    (("plugin", "run"), "item"): _items,
    (("plugin", "run"), "plugin"): _plugins,
    (("plugin", "uninstall"), "executables"): _wrapped,
    (("settings", "get"), "key"): _settings,
    (("settings", "set"), "key"): _settings,
    (("settings", "unset"), "key"): _settings,
    (("shim", "disable"), "executables"): _shims,
    (("shim", "enable"), "executables"): _executables,
}


def _values(path: tuple[str, ...], name: str) -> Values | None:
    return OF_COMMAND[path, name] if (path, name) in OF_COMMAND else EVERYWHERE.get(name)
