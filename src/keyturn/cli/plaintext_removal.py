"""What `plaintext remove` does when everything is agreed.

The order for each file: what will be left of it is worked out and read again; each credential is in an item,
read back from the vault's own file; a copy of the file is in the account, encrypted and read back; only then
is the file replaced, if it still is the one that was looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from keyturn.agent.requests import FieldChange
from keyturn.catalogue import loader, scanning
from keyturn.catalogue.scanning import Found
from keyturn.cli import aws_asking, sourcing, traces
from keyturn.cli.context import Context
from keyturn.cli.filing import Filing
from keyturn.cli.output import note
from keyturn.cli.plaintext_finding import plugin_of, shown_place
from keyturn.cli.plaintext_restoring import keep_copy
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, KeyturnError
from keyturn.ground.files import FileIdentity
from keyturn.ground.names import printable
from keyturn.items import ItemReference
from keyturn.plaintext import replacing
from keyturn.plaintext.entries import InseparableError, UnreadableError, content_of
from keyturn.plaintext.formats import take_out
from keyturn.plaintext.reading import Source
from keyturn.shells import plugins_sh


class Removal:
    """Takes credentials out of files. `vault` is where new items go; empty: the only one."""

    def __init__(self, context: Context, vault: str, *, verify: bool) -> None:
        """`verify`: AWS is asked before its keys go."""
        self._context = context
        self._verify = verify
        self._filing = Filing(context, vault)

    def describe(self, chosen: Sequence[Found]) -> None:
        """Say what would be done; do nothing. Raises what would stand in the way of the first file that has
        something in its way, after the others."""
        problems: list[KeyturnError] = []
        for group in scanning.by_file(chosen):
            try:
                self._rest(group)
            except KeyturnError as error:
                problems.append(error)
                continue
            for found in group:
                note(
                    f"would take {_labels(found)} of {_who(found)} out of {shown_place(self._context, found)}"
                )
        note("nothing was changed (--dry-run)")
        if problems:
            raise problems[0]

    def carry_out(self, chosen: Sequence[Found]) -> None:
        """Do it, file by file. What stands in the way of one file keeps no other from being done; it is
        raised at the end. What the agent raises ends it: it would do so for the others too."""
        problems: list[KeyturnError] = []
        done: list[Found] = []
        for group in scanning.by_file(chosen):
            try:
                rest = self._rest(group)
            except KeyturnError as error:
                problems.append(error)
                continue
            matched = [self._in_item(found) for found in group]
            try:
                self._confirm(group, matched)
            except KeyturnError as error:
                problems.append(error)
                continue
            self._keep(group, rest, matched[0].account)
            source = group[0].source
            try:
                replacing.replace(source.path, source.status, rest, self._context.world.uid)
            except KeyturnError as error:
                problems.append(error)
                continue
            done += group
            self._tell(group)
        self._tell_of_users(done)
        for problem in problems[1:]:
            note(f"keyturn: {problem.message}")
        if problems:
            raise problems[0]

    def _rest(self, group: Sequence[Found]) -> bytes:
        """What is left of the file. Raises ConfigurationError if something stands in the way."""
        source = group[0].source
        why = next((found.stuck for found in group if found.stuck), "")
        if why:
            raise replacing.refused(source.path, why)
        replacing.check(source.path, source.status, self._context.world.uid)
        if files.identity(source.real) != FileIdentity.of(source.status):
            raise replacing.refused(source.path, "it was changed meanwhile")
        going = [entry for found in group for entry in found.going]
        try:
            rest = content_of(take_out(source.format, source.text, going))
            str(source.path).encode(), str(source.real).encode()
        except (InseparableError, UnreadableError) as error:
            raise replacing.refused(source.path, error.message) from None
        except UnicodeEncodeError:
            raise replacing.refused(source.path, "its name is not UTF-8") from None
        return rest

    def _in_item(self, found: Found) -> ItemReference:
        """The item that holds the credential, found or made, and read back from the disk."""
        plugin = plugin_of(found)
        tag = plugin.tag if plugin is not None else f"tool/{found.tool.name}"
        wanted = {label: value for label, value in found.fields.items() if found.makes_it(label)}
        matched = self._filing.matched(wanted, tag)
        if matched is not None:
            title, vault = printable(matched.reference.title), printable(matched.vault_title)
            note(f"item “{title}” in vault “{vault}” has it already")
            return matched.reference
        reference, view = self._filing.made(_title(found), _fields(found), tag)
        note(f"item “{printable(view.item.title)}” is in vault “{printable(view.vault_title)}”")
        return reference

    def _confirm(self, group: Sequence[Found], matched: Sequence[ItemReference]) -> None:
        """Have AWS say whose keys they are. Raises what it answers else, with nothing removed."""
        for found, reference in zip(group, matched, strict=True):
            plugin = plugin_of(found)
            if self._verify and plugin is not None and plugin.owner == aws_asking.PLUGIN:
                aws_asking.check_before_removal(self._context, reference, shown_place(self._context, found))

    def _keep(self, group: Sequence[Found], rest: bytes, account: str) -> None:
        source, tools = group[0].source, sorted({found.tool.name for found in group})
        keep_copy(self._context, account, source.path, source.status, _content(source), rest, tools)

    def _tell(self, group: Sequence[Found]) -> None:
        where = sourcing.shown(self._context, group[0].source.path)
        what = ", ".join(f"{_labels(found)} of {_who(found)}" for found in group)
        note(f"took {what} out of {where}")
        note(f"to put it back: keyturn plaintext restore {where}")
        names = [
            entry.path[0]
            for found in group
            if found.source.format in ("shell", "fish")
            for entry in found.going
            if entry.path[0] in self._context.world.environment
        ]
        if names:
            is_fish = sourcing.shell_here(self._context).name == "fish"
            note(f"this shell still has it; there: {'set --erase' if is_fish else 'unset'} {' '.join(names)}")

    def _tell_of_users(self, done: Sequence[Found]) -> None:
        """Which installed commands will miss it, and what sets each of them up."""
        wrapped = set(plugins_sh.wrapped(self._context.world.directories.plugins_sh))
        search = self._context.world.environment.get("PATH", "")
        names: list[str] = []
        for found in done:
            plugin = plugin_of(found)
            names += [name for name in found.tool.commands if shutil.which(name, path=search)]
            names += traces.installed_readers(plugin, search) if plugin is not None else []
        names = [name for name in dict.fromkeys(names) if name not in wrapped]
        if not names:
            return
        note("note: these will miss it:")
        for name in names:
            known = loader.find_by_executable(name) is not None
            note(f"  {name}: " + (f"set it up by keyturn plugin init {name}" if known else "no plugin yet"))


def _fields(found: Found) -> list[FieldChange]:
    """The credential's fields, called and typed as its plugin has them."""
    plugin = plugin_of(found)
    fields = []
    for label, value in found.fields.items():
        definition = plugin.credential.field(label) if plugin is not None else None
        is_secret = label in found.secrets if definition is None else definition.secret
        kind = "concealed" if is_secret else "text"
        fields.append(FieldChange(label=definition.label if definition else label, type=kind, value=value))
    return fields


def _title(found: Found) -> str:
    """The tool's, and what tells the credential from others of it."""
    profile = printable(found.profile, 60)
    return found.tool.title if profile in ("", "default") else f"{found.tool.title} ({profile})"


def _content(source: Source) -> bytes:
    """The file as it was read. Raises ConfigurationError if it is another by now."""
    content, identity = files.read(source.real)
    if identity != FileIdentity.of(source.status) or content != content_of(source.text):
        raise replacing.refused(source.path, "it was changed meanwhile")
    return content


def _labels(found: Found) -> str:
    return " and ".join(label for label in found.fields if found.makes_it(label))


def _who(found: Found) -> str:
    profile = f" ({printable(found.profile, 60)})" if found.profile else ""
    return f"{found.tool.title}{profile}"


def left_alone(chosen: Sequence[Found], context: Context) -> ConfigurationError | None:
    """An error that names what cannot be taken out, with each one's reason; None if all can."""
    stuck = [found for found in chosen if found.stuck]
    if not stuck:
        return None
    first = stuck[0]
    hints = [f"{shown_place(context, each)}: {each.stuck}" for each in stuck[1:]]
    return ConfigurationError(
        f"{_labels(first)} of {_who(first)} was left in {shown_place(context, first)}: {first.stuck}",
        *(hints or ["take it out by hand"]),
    )
