"""When a command needs no authentication: rules that match by position, as data.

A rule says yes, no, or that it cannot tell, because an option that nothing is known of stands where
it looks. Only a certain answer switches authentication off: when in doubt, authenticate. A word that
merely looks like a request for help is none (`aws s3 cp help s3://b/`, story 23).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from keyturn.sdk.argv import CommandPath, Kind, Options, Token, command_path, scan

ANY_WORD = "*"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One condition on a command line. Exactly one of these words makes a rule:

    `any`, `all`: lists of rules, never empty (an empty list would be a yes or a no by accident).
    `not`: one rule.
    `no_arguments = true`: nothing was given.
    `option = "--x"`: the option stands there, before any bare `--`; `place = "global"` wants it before
    the first word of the command.
    `command = ["sso", "login"]`: the words of the command begin so, options left out; `*` is any one
    word, and in a word any part of it (`describe-*`). `whole = true`: and there is nothing else.
    """

    any_of: tuple[Rule, ...] | None = msgspec.field(name="any", default=None)
    all_of: tuple[Rule, ...] | None = msgspec.field(name="all", default=None)
    negated: Rule | None = msgspec.field(name="not", default=None)
    no_arguments: Literal[True] | None = None
    option: str | None = None
    command: tuple[str, ...] | None = None
    place: Literal["anywhere", "global"] = "anywhere"
    whole: bool = False

    def __post_init__(self) -> None:
        words = (self.any_of, self.all_of, self.negated, self.no_arguments, self.option, self.command)
        if sum(word is not None for word in words) != 1:
            raise ValueError("a rule has exactly one of any, all, not, no_arguments, option, command")
        for rules in (self.any_of, self.all_of, self.command):
            if rules is not None and not rules:
                raise ValueError("an empty list is no rule")
        if self.command is not None and not all(self.command):
            raise ValueError("an empty word is no rule")
        if self.option is not None and not self.option.startswith("-"):
            raise ValueError("an option is written with its dashes, such as --version")
        if self.place != "anywhere" and self.option is None:
            raise ValueError("place goes with option")
        if self.whole and self.command is None:
            raise ValueError("whole goes with command")


def matches(rule: Rule, arguments: Sequence[bytes], options: Options) -> bool | None:
    """Whether the rule holds for these arguments; None if that cannot be told."""
    return _matches(rule, arguments, scan(arguments, options), command_path(arguments, options))


def needs_authentication(rule: Rule, arguments: Sequence[bytes], options: Options) -> bool:
    """False only if `rule` certainly does not hold."""
    return matches(rule, arguments, options) is not False


def _matches(rule: Rule, arguments: Sequence[bytes], tokens: list[Token], path: CommandPath) -> bool | None:
    if rule.any_of is not None:
        return _any([_matches(part, arguments, tokens, path) for part in rule.any_of])
    if rule.all_of is not None:
        return _negate(_any([_negate(_matches(part, arguments, tokens, path)) for part in rule.all_of]))
    if rule.negated is not None:
        return _negate(_matches(rule.negated, arguments, tokens, path))
    if rule.option is not None:
        return _has_option(rule.option.encode(), rule.place, tokens)
    if rule.command is not None:
        return _is_command(rule.command, rule.whole, path)
    return not arguments


def _any(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def _negate(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _has_option(name: bytes, place: str, tokens: list[Token]) -> bool | None:
    in_doubt = False
    for token in tokens:
        if place == "global" and token.kind is Kind.WORD:
            break
        # What follows an unknown option may be that one's value and so no command yet: nothing is global.
        if place == "global" and token.kind is Kind.UNKNOWN and token.name != name:
            return None
        if token.kind is not Kind.WORD and token.name == name:
            if token.is_certain:
                return True
            in_doubt = True
    return None if in_doubt else False


def _fits(wanted: str, word: bytes) -> bool:
    if wanted == ANY_WORD or ANY_WORD not in wanted:
        return wanted == ANY_WORD or wanted.encode() == word
    return re.fullmatch(b".*".join(map(re.escape, wanted.encode().split(b"*"))), word, re.DOTALL) is not None


def _is_command(wanted: tuple[str, ...], whole: bool, path: CommandPath) -> bool | None:
    for position, word in enumerate(wanted):
        if position >= len(path.words):
            return False if path.is_certain else None
        if not _fits(word, path.words[position]):
            return False
    if whole and len(path.words) > len(wanted):
        return False
    return True if not whole or path.is_certain else None
