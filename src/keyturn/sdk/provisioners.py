"""Provisioning by data: variables, files and arguments filled with the fields of the selected item."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from keyturn.ground.errors import ConfigurationError, NoDefaultError, UncarriedError
from keyturn.ground.names import plain_label, printable
from keyturn.ground.secret import Secret
from keyturn.items import Item, find_field, required_field
from keyturn.sdk.argv import Options
from keyturn.sdk.file_texts import RefusedFieldError, file_text
from keyturn.sdk.insertions import is_given, with_insertions
from keyturn.sdk.parts import Parts, Provide
from keyturn.sdk.provision_schema import ArgumentDefinition, FileDefinition, Filling, Lifetime, fill
from keyturn.sdk.run import Insertion, Invocation, NeedItem, ProvidedFile, Provision, Provisioned, Selection
from keyturn.sdk.schema import Plugin

NO_HOOKS: Mapping[str, Provide] = MappingProxyType({})

NO_VARIABLE = "characters that no environment variable can carry"
NO_ARGUMENT = "characters that no argument can carry"


def provision_by_tables(plugin: Plugin, hooks: Mapping[str, Provide] = NO_HOOKS) -> Provision:
    """The provisioning function of a plugin whose file says how; `hooks` is code that the file may name.

    The function raises NoDefaultError if nothing is selected, MissingError for a field that the item lacks,
    UncarriedError for one that cannot be given, and ConfigurationError for a command of another plugin that
    can only be told by arguments.
    """
    if plugin.provision.hook == "aws":
        raise ValueError(f"plugin {plugin.name} is provisioned by code alone")

    def provision(
        invocation: Invocation, selection: Selection, opened: Mapping[str, Item]
    ) -> NeedItem | Provisioned:
        if selection.selected is None:
            raise no_default(plugin, invocation.executable)
        item = opened.get(selection.selected.value.item)
        if item is None:
            return NeedItem(selection.selected)
        try:
            done = _Call(plugin, invocation, _values(plugin, invocation, item), hooks).provisioned()
        except UncarriedError as error:
            raise UncarriedError(
                f"item “{printable(item.title)}”: {error.message}",
                *error.hints,
                f"mend it: keyturn item edit {item.id}",
            ) from None
        reason = f"item “{printable(item.title)}”: {selection.selected.source}"
        return replace(done, reasons=(reason, *done.reasons))

    return provision


def provision_fields(
    plugin: Plugin,
    executable: str,
    fields: Mapping[str, Secret],
    arguments: tuple[bytes, ...] = (),
    environment: Mapping[bytes, bytes] | None = None,
    private: str = "/private",
    hooks: Mapping[str, Provide] = NO_HOOKS,
) -> Provisioned:
    """What a command gets of an item with these fields, its arguments complete: for who tries a plugin file.

    Raises what the provisioning function raises, without an item's name.
    """
    invocation = Invocation(
        executable, b"/" + executable.encode(), arguments, environment or {}, "/", private=private
    )
    values = {plain_label(label): value for label, value in fields.items() if value}
    done = _Call(plugin, invocation, values, hooks).provisioned()
    return complete(done, plugin, executable)


def complete(provisioned: Provisioned, plugin: Plugin, executable: str) -> Provisioned:
    """With what comes to the arguments in its place."""
    definition = plugin.executable(executable)
    options = Options() if definition is None else definition.options
    arguments = with_insertions(provisioned.arguments, provisioned.insertions, options)
    return replace(provisioned, arguments=arguments, insertions=())


def no_default(plugin: Plugin, executable: str) -> NoDefaultError:
    """Nothing is selected for a command of this plugin."""
    return NoDefaultError(
        f"no item is chosen for {plugin.platform}", f"choose one: keyturn plugin init {executable}"
    )


def _values(plugin: Plugin, invocation: Invocation, item: Item) -> dict[str, Secret]:
    """The values that the command takes, by plain label. Raises MissingError."""
    tables = plugin.provision_for(invocation.executable)
    labels = tables.labels if tables.hook is None else [each.label for each in plugin.credential.fields]
    found: dict[str, Secret] = {}
    for label in labels:
        definition = plugin.credential.field(label)
        is_optional = definition is not None and definition.optional
        there = find_field(item, label) if is_optional else required_field(item, label)
        if there is not None and there.value:
            found[plain_label(label)] = there.value
    return found


@dataclass
class _Call:
    """One call of a command, with the values for it: what it gets is gathered here."""

    plugin: Plugin
    invocation: Invocation
    values: Mapping[str, Secret]
    hooks: Mapping[str, Provide]
    assign: dict[str, bytes] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    files: list[ProvidedFile] = field(default_factory=list)
    insertions: list[Insertion] = field(default_factory=list)

    def provisioned(self) -> Provisioned:
        tables = self.plugin.provision_for(self.invocation.executable)
        self.assign = {variable: value.encode() for variable, value in tables.fixed.items()}
        self.remove = list(tables.remove)
        for variable, filling in tables.variables.items():
            self._fill_variable(variable, filling)
        for definition in tables.files:
            self._make_file(definition)
        for argument in tables.arguments if self._is_own else ():
            self._insert(argument)
        if tables.hook is not None:
            self._ask_hook(tables.hook)
        return Provisioned(
            arguments=self.invocation.arguments,
            assign=self.assign,
            remove=tuple(self.remove),
            reasons=tuple(_about(each) for each in self.files),
            files=tuple(self.files),
            insertions=tuple(self.insertions),
        )

    @property
    def _is_own(self) -> bool:
        """Whether the command is one of the plugin's: another one does not know these arguments."""
        return self.plugin.executable(self.invocation.executable) is not None

    @property
    def _directory(self) -> str:
        """Where the files of this plugin are, apart from those of another one for the same command."""
        return f"{self.invocation.private}/{self.plugin.name}"

    def _is_given(self, names: tuple[str, ...]) -> bool:
        executable = self.plugin.executable(self.invocation.executable)
        options = Options() if executable is None else executable.options
        return bool(names) and is_given(names, self.invocation.arguments, options)

    def _fill_variable(self, variable: str, filling: Filling) -> None:
        if self._is_given(filling.unless):
            return
        value = self.values.get(plain_label(filling.field))
        if value is not None:
            self.assign[variable] = carried(filling.field, filling.prefix + value.reveal() + filling.suffix)
            return
        definition = self.plugin.credential.field(filling.field)
        if definition is not None and definition.secret:
            # The caller's own value would be half of another identity.
            self.remove.append(variable)

    def _make_file(self, definition: FileDefinition) -> None:
        if self._is_given(definition.unless):
            return
        if not self._is_own and not definition.variables:
            raise ConfigurationError(
                f"{self.plugin.platform}: its credential is given by an argument of its own commands, which"
                f" {self.invocation.executable} does not know",
                f"its own commands: {', '.join(each.runs for each in self.plugin.executables)}",
            )
        try:
            text = file_text(definition, self.values)
        except RefusedFieldError as error:
            raise UncarriedError(
                f"the field “{error.label}” cannot be given to {self.invocation.executable} in"
                f" {definition.name}: it holds {error}"
            ) from None
        if text is None:
            return
        if definition.arguments and self._is_own:
            paths = {"path": f"{self._directory}/{definition.name}", "directory": self._directory}
            words = tuple(os.fsencode(fill(word, paths)) for word in definition.arguments)
            self.insertions.append(Insertion(words, definition.position))
        self._tell(definition.name, definition.path_variable, definition.directory_variable)
        self._add(definition.name, text, definition.lifetime, definition.pipe)

    def _add(self, name: str, text: Secret, lifetime: Lifetime, pipe: bool | str = False) -> None:
        executable = self.plugin.executable(self.invocation.executable)
        own = executable.file_lifetime if executable is not None else None
        path, is_tree = f"{self._directory}/{name}", (own or lifetime) == "tree"
        self.files.append(ProvidedFile(path, text, pipe is True, is_tree, may_be_pipe=pipe == "fallback"))

    def _tell(self, name: str, path_variable: str, directory_variable: str) -> None:
        if path_variable:
            self.assign[path_variable] = os.fsencode(f"{self._directory}/{name}")
        if directory_variable:
            self.assign[directory_variable] = os.fsencode(self._directory)

    def _insert(self, definition: ArgumentDefinition) -> None:
        if self._is_given(definition.unless):
            return
        texts: dict[str, str] = {}
        for label in definition.labels:
            value = self.values.get(plain_label(label))
            if value is None:
                return
            texts[label] = value.reveal()
        words = []
        for word in definition.words:
            filled = fill(word, texts)
            label = next((each for each in definition.labels if f"{{{each}}}" in word), "")
            if filled.startswith("-") and not word.startswith("-"):
                raise UncarriedError(
                    f"the field “{label}” cannot be given to {self.invocation.executable}: it begins with -,"
                    " as an option does"
                )
            words.append(carried(label, filled, NO_ARGUMENT))
        self.insertions.append(Insertion(tuple(words), definition.position))

    def _ask_hook(self, name: str) -> None:
        hook = self.hooks.get(name)
        if hook is None:
            raise ConfigurationError(f"plugin {self.plugin.name} names an unknown hook: {name}")
        known = {plain_label(each.label): each.label for each in self.plugin.credential.fields}
        values = {known[label]: value for label, value in self.values.items() if label in known}
        parts: Parts = hook(values, self.invocation)
        for variable, value in parts.variables.items():
            self.assign[variable] = carried(variable, value.reveal())
        self.remove += parts.remove
        for each in parts.files:
            self._tell(each.name, each.path_variable, each.directory_variable)
            self._add(each.name, each.text, "process")


def carried(label: str, text: str, what: str = NO_VARIABLE) -> bytes:
    """A field's value as a variable, or an argument, carries it.

    Raises UncarriedError for a value that none can carry; the value itself is not repeated.
    """
    try:
        value = text.encode()
    except UnicodeEncodeError:
        value = b"\0"
    if b"\0" in value:
        raise UncarriedError(f"the field “{label}” holds {what}")
    return value


def _about(file: ProvidedFile) -> str:
    how = "a named pipe" if file.is_pipe else "a file in memory"
    until = "and what it leaves running have ended" if file.lives_with_tree else "has ended"
    return f"{how}, {file.path.rpartition('/')[2]}, until the command {until}"
