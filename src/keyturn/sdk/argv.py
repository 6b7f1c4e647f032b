"""Options and words of a command line, told apart by their position, on bytes.

A wrapped command's arguments pass byte for byte; what Keyturn wants to know of them (which profile,
which subcommand) and the little that it takes out is found by where a word stands, never by what it
looks like: `aws --profile dev s3 ls dev` keeps its last word (story 22).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

import msgspec

from keyturn.ground.errors import UsageError

END_OF_OPTIONS = b"--"

# What argparse takes for a value although it starts with a dash (argparse.py, _negative_number_matcher).
_NEGATIVE_NUMBER = re.compile(rb"-\d+\Z|-\d*\.\d+\Z")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of an executable that may stand before its command, and how it reads them.

    `parser` is "argparse" for what Python's argparse does, tried with the AWS CLI: an option may be
    abbreviated to a prefix that only it has, a value never starts with a dash, and options are found
    anywhere. "plain" takes what follows an option for its value, whatever it looks like.
    `valued` take a value, `flags` do not. An option in neither list is unknown, and with it where
    the words of the command are. `aliases` are other names of valued options; after one of a single letter
    the value may follow at once (`-pdev`, pflag).
    """

    parser: Literal["plain", "argparse"] = "plain"
    valued: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    aliases: dict[str, str] = {}

    def __post_init__(self) -> None:
        for name in (*self.valued, *self.flags, *self.aliases):
            if not re.fullmatch(r"--?[A-Za-z0-9][A-Za-z0-9_-]*", name):
                raise ValueError("an option is written with its dashes, such as --profile")
        if len(set(self.valued) | set(self.flags)) != len(self.valued) + len(self.flags):
            raise ValueError("an option stands here twice")
        if set(self.aliases) & {*self.valued, *self.flags} or not set(self.aliases.values()) <= set(
            self.valued
        ):
            raise ValueError("an alias is another name of an option that takes a value")


class Kind(Enum):
    """What an argument is."""

    WORD = auto()
    FLAG = auto()
    VALUED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True)
class Token:
    """One word, or one option with its value: the arguments from `start` up to, without, `stop`.

    `name` is the option's full name (as written, for an unknown one); `value` its value, None if it
    has none. `is_certain` is False for what may as well be the value of an unknown option before it.
    """

    kind: Kind
    start: int
    stop: int
    name: bytes
    value: bytes | None
    is_certain: bool = True


def scan(arguments: Sequence[bytes], options: Options) -> list[Token]:
    """The arguments before a bare `--` as words and options, in their order.

    A valued option whose value is missing has `value` None.
    """
    found: list[Token] = []
    end = len(arguments)
    at = 0
    while at < end and arguments[at] != END_OF_OPTIONS:
        argument = arguments[at]
        # After an unknown option the next argument may be its value; argparse takes no value with a dash.
        after_unknown = bool(found) and found[-1].kind is Kind.UNKNOWN and found[-1].value is None
        if _is_word(argument, options):
            found.append(Token(Kind.WORD, at, at + 1, b"", argument, not after_unknown))
            at += 1
            continue
        is_certain = options.parser == "argparse" or not after_unknown
        written, equals, value = _parted(argument, options)
        name = _full_name(argument if not equals else written, options)
        inline = value if equals else None
        stop = at + 1
        if name is None:
            found.append(Token(Kind.UNKNOWN, at, stop, written, inline, is_certain))
        elif name.decode() in options.flags:
            # A flag with a value is none that the program knows: unknown, so nothing is concluded from it.
            if equals:
                found.append(Token(Kind.UNKNOWN, at, stop, argument, inline, is_certain))
            else:
                found.append(Token(Kind.FLAG, at, stop, name, None, is_certain))
        else:
            if not equals and stop < end and _may_be_value(arguments[stop], options):
                inline = arguments[stop]
                stop += 1
            found.append(Token(Kind.VALUED, at, stop, name, inline, is_certain))
        at = stop
    return found


def take_option(
    arguments: tuple[bytes, ...], options: Options, name: str
) -> tuple[bytes | None, tuple[bytes, ...]]:
    """The value of option `name` (the last one wins) and the arguments without it.

    Exactly the option, each time it stands there, and its own value go; nothing after a bare `--`
    counts. (None, arguments) if it is not there. Raises UsageError if its value is missing or empty.
    """
    if name not in options.valued:
        raise ValueError(f"{name} is not declared as an option with a value")
    value: bytes | None = None
    kept: list[bytes] = []
    at = 0
    for token in scan(arguments, options):
        if token.kind is not Kind.VALUED or token.name != name.encode() or not token.is_certain:
            continue
        if not token.value:
            raise UsageError(f"{name} needs a value", f"write it as {name} NAME, before any bare --")
        value = token.value
        kept.extend(arguments[at : token.start])
        at = token.stop
    kept.extend(arguments[at:])
    return value, tuple(kept)


@dataclass(frozen=True)
class CommandPath:
    """The words of a command line: `aws --region x s3 ls` has `s3`, `ls`.

    `is_certain` is False if there may be more or others: after an option whose arity is not known,
    or with something after a bare `--`. Words after such an option are not in `words`.
    """

    words: tuple[bytes, ...]
    is_certain: bool


def command_path(arguments: Sequence[bytes], options: Options) -> CommandPath:
    """The leading words, known options between them left out."""
    words: list[bytes] = []
    stop = 0
    for token in scan(arguments, options):
        if token.kind is Kind.UNKNOWN or (token.kind is Kind.VALUED and token.value is None):
            return CommandPath(tuple(words), False)
        if token.kind is Kind.WORD and token.value is not None:
            words.append(token.value)
        stop = token.stop
    # What is left is the bare `--` and what follows it.
    return CommandPath(tuple(words), len(arguments) - stop <= 1)


def _is_word(argument: bytes, options: Options) -> bool:
    if not argument.startswith(b"-") or argument == b"-":
        return True
    if options.parser != "argparse":
        return False
    # In argparse's order: a known option is one even with a space in it (`--profile=my dev`).
    if _full_name(argument.partition(b"=")[0], options) is not None:
        return False
    return bool(_NEGATIVE_NUMBER.match(argument)) or b" " in argument


def _parted(argument: bytes, options: Options) -> tuple[bytes, bytes, bytes]:
    """An option, `=` or nothing, and the value that stands in the same argument."""
    if len(argument) > 2 and not argument.startswith(b"--"):
        short = argument[:2]
        if short.decode("ascii", "replace") in options.aliases:
            return short, b"=", argument[2:].removeprefix(b"=")
    return argument.partition(b"=")


def _may_be_value(argument: bytes, options: Options) -> bool:
    if options.parser == "plain":
        return True
    return argument != END_OF_OPTIONS and _is_word(argument, options)


def _full_name(written: bytes, options: Options) -> bytes | None:
    """The declared option that `written` (without `=value`) stands for; None if none or several."""
    alias = options.aliases.get(written.decode("utf-8", "surrogateescape"))
    if alias is not None:
        return alias.encode()
    names = [name.encode() for name in (*options.valued, *options.flags)]
    if written in names:
        return written
    if options.parser == "argparse" and written.startswith(b"--"):
        matches = [name for name in names if name.startswith(written)]
        if len(matches) == 1:
            return matches[0]
    return None
