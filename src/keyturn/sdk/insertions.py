"""Words that come to a command's arguments, by position: among its options, and never behind a bare `--`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keyturn.sdk.argv import Kind, Options, scan
from keyturn.sdk.run import Insertion


def with_insertions(
    arguments: Sequence[bytes], insertions: Sequence[Insertion], options: Options
) -> tuple[bytes, ...]:
    """The arguments with the words of each insertion at its position; those of one position in their order.

    "first" is before everything, "last" behind everything but a bare `--` and what follows it.
    "after-command" is behind the first word that certainly is one; without such a word it is "last".
    """
    tokens = scan(arguments, options)
    end = tokens[-1].stop if tokens else 0
    command = next((each.stop for each in tokens if each.kind is Kind.WORD and each.is_certain), end)
    places = {"first": 0, "after-command": command, "last": end}
    found = list(arguments)
    # From the back, so that nothing that is inserted moves another place.
    for position in ("last", "after-command", "first"):
        words = [word for each in insertions if each.position == position for word in each.words]
        found[places[position] : places[position]] = words
    return tuple(found)


def is_given(names: Iterable[str], arguments: Sequence[bytes], options: Options) -> bool:
    """Whether one of the options `names` is among the arguments, or may be.

    In doubt it is: what the caller gave stays the caller's. So is `-uroot` for `-u`, whatever else it may
    mean.
    """
    wanted = {options.aliases.get(name, name).encode() for name in names}
    short = tuple(name for name in wanted if len(name) == 2)
    for token in scan(arguments, options):
        if token.kind is Kind.WORD:
            continue
        written = arguments[token.start]
        if token.name in wanted or (not written.startswith(b"--") and written.startswith(short)):
            return True
    return False
