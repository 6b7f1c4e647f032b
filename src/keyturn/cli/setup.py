"""`keyturn plugin init`: from keys in plaintext to a command that asks once.

First every question, then every change: Ctrl-C at any question leaves vault, defaults, plugins.sh and the
credentials file as they were. A first account is the exception where its password was the last question.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import replace

from keyturn.agent import messages, requests, results
from keyturn.catalogue import loader
from keyturn.cli import choosing, profiles, sourcing
from keyturn.cli.account import DEFAULT_TITLE, DEFAULT_VAULT
from keyturn.cli.context import Context
from keyturn.cli.output import note
from keyturn.cli.setup_credential import CredentialQuestion
from keyturn.cli.setup_plan import Choices, Chosen, FirstAccount, Plan, Use, Where, Wrapped
from keyturn.cli.setup_scope import ScopeQuestion
from keyturn.cli.setup_work import Work, installed
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Preset
from keyturn.scopes import keys
from keyturn.sdk.schema import Plugin

PRESETS = (
    ("balanced: once for each terminal, and again after 10 minutes without use", Preset.BALANCED),
    ("strict: for each item and each program", Preset.STRICT),
    ("login-session: once for all terminals, until the account locks", Preset.LOGIN_SESSION),
)


class Setup:
    """One run of `plugin init`: the questions. `executable` is empty where the person is to pick one."""

    def __init__(self, context: Context, executable: str, choices: Choices) -> None:
        self._context = context
        self._choices = choices
        given = [
            choices.names_file,
            choices.import_env,
            choices.import_keyring,
            choices.item is not None,
        ]
        if sum(given) > 1:
            raise UsageError(
                "one credential at a time",
                "give one of --import-profile, --import-file, --import-env, --import-keyring and --item",
            )
        self._scope = ScopeQuestion(context, choices)
        self._executable = executable or self._picked()
        self._plugin = _plugin(self._executable)
        # The credential that the flags mean; where they do not say, the executable's own.
        named = self._plugin if choices.credential is None else self._named(choices.credential)
        if choices.profile is not None:
            profiles.check(named, self._executable, choices.profile)
        self._first = self._question(named, choices)
        others = _takers(named)
        for name in choices.also or ():
            if name not in others:
                known = ", ".join(each for each in others if each != self._executable) or "none"
                raise UsageError(
                    f"{printable(name)} does not take the credential of {self._executable}",
                    f"these do: {known}",
                )

    def run(self) -> None:
        """Ask, and then do what was decided, or with --dry-run say it."""
        for warning in self._plugin.warnings():
            if warning.startswith(f"{self._executable}: "):
                note(f"warning: {warning}")
        is_quiet = self._choices.remove_plaintext is None
        work = Work(self._context, self._plan(), is_quiet_removal=is_quiet, verify=self._choices.verify)
        if self._choices.dry_run:
            work.describe()
        else:
            work.carry_out()

    def _plan(self) -> Plan:
        rows = messages.convert(self._context.agent.call(requests.ListAccounts()), list[results.AccountRow])
        asked = [(question, question.answer(has_account=bool(rows))) for question in self._questions()]
        credentials = [chosen.plugin for _, chosen in asked]
        # From here on the order of the lines is the order of the questions.
        where = self._scope.answer(
            self._executable,
            [key for each in credentials if (key := _key(self._executable, each)) is not None],
            # One that is bound alone is no default, and then there is nothing that the others could be.
            profiles.known(self._context.world, self._plugin, self._executable)
            if credentials == [self._plugin]
            else [],
        )
        others = {name: plugin for each in credentials for name, plugin in _takers(each).items()}
        names = [self._executable, *self._also(others)]
        wrapped = tuple(Wrapped(others[name], name) for name in names)
        chosen = [question.removal(each, names) for question, each in asked]
        line = sourcing.offer(self._context, self._choices.shell_rc)
        first = None if rows else self._first_account()
        return Plan(wrapped, tuple(self._used(each, wrapped, where) for each in chosen), first, where, line)

    def _picked(self) -> str:
        """The command that the person picks, of all that there are."""
        from keyturn.cli import listing

        self._context.require_input("the command to set up", "name it: keyturn plugin init aws")
        rows = sorted(listing.rows(self._context.world), key=lambda row: (not row.installed, row.executable))
        lines = []
        for row in rows:
            told = [
                row.platform,
                *(["installed"] if row.installed else []),
                *(["set up"] if row.configured else []),
            ]
            lines.append((f"{row.executable} ({', '.join(told)})", row.executable))
        return choosing.choose(
            self._context.terminal, "which command is to be set up?", lines, filterable=True
        )

    def _named(self, name: str) -> Plugin:
        """The plugin whose credential a person names. Raises UsageError for one that cannot be meant."""
        if name == self._plugin.owner:
            return self._plugin
        executable = self._plugin.executable(self._executable)
        if executable is None or not executable.any_credential:
            raise UsageError(
                f"{self._executable} takes the credential of {self._plugin.owner} and no other",
                "those that take any: terraform, tofu",
            )
        if name not in loader.credentials():
            near = difflib.get_close_matches(name, loader.credentials(), n=3, cutoff=0.6)
            raise UsageError(
                f"no plugin called {printable(name)} has a credential of its own",
                *([f"near it: {', '.join(near)}"] if near else []),
                "those that have: keyturn plugin list",
            )
        plugin = loader.load(name)
        if not plugin.provision.is_for_any_command:
            raise UsageError(
                f"{self._executable} cannot take the credential of {name}, which is given by an argument of"
                " its own commands",
                f"its own commands: {', '.join(each.runs for each in plugin.executables)}",
                f"those that it takes, to choose from: keyturn plugin init {self._executable}",
            )
        return plugin

    def _question(self, plugin: Plugin, choices: Choices) -> CredentialQuestion:
        directory = _working_directory()
        return CredentialQuestion(self._context, choices, plugin, self._executable, directory, choices.fields)

    def _questions(self) -> Iterator[CredentialQuestion]:
        """The credentials to set up, one after the other; the next one is asked for when one is found."""
        executable, choices = self._plugin.executable(self._executable), self._choices
        is_settled = choices.credential is not None or choices.profile is not None or choices.names_source
        if is_settled or executable is None or not executable.any_credential or not self._context.may_ask:
            yield self._first
            return
        left = {
            name: each
            for name, each in loader.credentials().items()
            if name == self._plugin.owner or loader.load(name).provision.is_for_any_command
        }
        question = f"which type of credential is {self._executable} to use?"
        lines = [(f"{each.platform}: {each.credential}", name) for name, each in left.items()]
        lines.sort(key=lambda line: line[1] != self._plugin.owner)
        fields = choices
        while lines:
            name = choosing.choose(self._context.terminal, question, lines, filterable=True)
            if not name:
                return
            yield self._question(self._named(name), fields)
            # Labels that were given are those of the first.
            fields = replace(choices, fields={})
            lines = [("no other: that is all", ""), *(each for each in lines if each[1] not in ("", name))]
            lines = lines if len(lines) > 1 else []
            question = f"is {self._executable} to use another credential at the same time?"

    def _also(self, others: dict[str, Plugin]) -> list[str]:
        """The other commands that are to get the same in the same scope."""
        if self._choices.also is not None:
            return [name for name in dict.fromkeys(self._choices.also) if name != self._executable]
        if not self._context.may_ask:
            return []
        names = [each for each in others if each != self._executable and installed(self._context, each)]
        if not names:
            return []
        lines = [(f"{name} ({others[name].platform})", name) for name in sorted(names)]
        return choosing.choose_several(self._context.terminal, "which others are to use it too?", lines)

    def _used(self, chosen: Chosen, wrapped: tuple[Wrapped, ...], where: Where) -> Chosen:
        """`chosen`, with what becomes of it."""
        profile = where.profile if chosen.plugin.owner == self._plugin.owner else ""
        place = chosen.candidate.place if chosen.candidate is not None else None
        has_profiles = any(each.profile is not None for each in chosen.plugin.executables)
        if has_profiles and not where.profile and place is not None and place.profile != profiles.DEFAULT:
            profile = place.profile
        uses = []
        for each in wrapped:
            key = _key(each.executable, chosen.plugin)
            if where.scope is not None and key is not None:
                uses.append(Use(each, key, self._scope.former(key, where.scope, where.place)))
        return replace(chosen, uses=tuple(uses), profile=profile)

    def _first_account(self) -> FirstAccount:
        """The first account; with it, how often the person wants to be asked."""
        preset = self._choices.preset
        if preset is None and self._context.may_ask:
            preset = choosing.choose(self._context.terminal, "how often is Keyturn to ask?", PRESETS)
        recovery = self._choices.recovery
        if recovery is None:
            recovery = self._context.may_ask and self._context.terminal.confirm(
                "also make a recovery code, to open the account if the password is lost?", default=True
            )
        vault = self._choices.vault or DEFAULT_VAULT
        return FirstAccount(self._context.account or DEFAULT_TITLE, vault, preset, recovery)


def _plugin(executable: str) -> Plugin:
    found = loader.find_by_executable(executable)
    if found is None:
        raise loader.unknown(executable)
    return found


def _takers(plugin: Plugin) -> dict[str, Plugin]:
    """The commands that take the credential of `plugin`, with their own plugins."""
    is_for_all = plugin.provision.is_for_any_command
    return {
        each.runs: taker
        for taker, each in loader.wrapping(plugin.tag)
        if is_for_all or taker.tag == plugin.tag
    }


def _key(executable: str, plugin: Plugin) -> str | None:
    """The key of a default of `executable` for the credential of `plugin`; None if it does not take it."""
    listed = loader.listed()[executable]
    if plugin.owner == listed.owner:
        return keys.written(executable)
    return keys.written(executable, plugin.owner) if listed.any_credential else None


def _working_directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        # Deleted under us; a relative path then leads nowhere, which is what it would do for aws.
        return "/"
