"""`keyturn account slot`: what opens an account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import msgspec

from keyturn.agent import messages, requests, results
from keyturn.agent.requests import OutsideKey
from keyturn.cli import output
from keyturn.cli.context import Context, current, read_password
from keyturn.cli.grouping import Group
from keyturn.cli.options import F, output_format, unlocking, with_agent
from keyturn.cli.password import say_changed, show_code, slot_rows
from keyturn.ground import files
from keyturn.ground.errors import DamagedError, UsageError
from keyturn.ground.secret import Secret

LARGEST_IDENTITY_FILE = 64 * 1024
# Of these it is known; of others the person has to say whether they want something of them.
WANT_A_TOUCH = ("yubikey", "fido2-hmac", "fido2prf", "se")


@click.group(cls=Group)
def slot() -> None:
    """Slots: the ways in which an account opens."""


@slot.command("list")
@unlocking
@output_format
@with_agent
def list_slots(form: str) -> None:
    """List the slots, and whether their keys are known on this machine."""
    rows = slot_rows(current())
    if form == "json":
        output.as_json("slots", msgspec.to_builtins(rows))
        return
    shown = [(row.title, row.kind, row.id, row.created, row.note) for row in rows]
    output.table(("slot", "kind", "id", "created", "note"), shown, "no slots")


@slot.group()
def add() -> None:
    """Add another way to open the account."""


def _titled(command: F) -> F:
    """What all of `slot add` have in common."""
    return unlocking(
        click.option("--title", default="", help="what to call it  [default: its kind]")(command)
    )


def _for_ssh(command: F) -> F:
    for option in (
        click.option("--unprotected", is_flag=True, help="use a key that no passphrase protects"),
        click.option("--key", type=click.Path(), help="file of the SSH key (ed25519 or rsa)"),
    ):
        command = option(command)
    return command


def _for_plugin(command: F) -> F:
    for option in (
        click.option(
            "--touch/--no-touch",
            default=None,
            help="it wants a touch, a fingerprint or a PIN, or opens by itself  [default: asked]",
        ),
        click.option("--plugin", type=click.Path(), help="the plugin's program  [default: found on PATH]"),
        click.option("--identity", type=click.Path(), help="identity file that the plugin wrote"),
    ):
        command = option(command)
    return command


def _answered(command: F) -> F:
    return click.option(
        "--passphrase-file", type=click.Path(), help="read the key's passphrase or PIN from the first line"
    )(command)


@add.command("password")
@_titled
@click.option(
    "--new-password-file", type=click.Path(), help="read the slot's password from the first line of a file"
)
@with_agent
def add_password(title: str, new_password_file: str | None) -> None:
    """Add another password."""
    context = current()
    if new_password_file is not None:
        new = read_password(new_password_file)
    else:
        context.require_input("the slot's password", "give it: --new-password-file PATH")
        new = context.terminal.new_password("password of the new slot")
    _add(context, "password", title, password=new)


@add.command("recovery")
@_titled
@with_agent
def add_recovery(title: str) -> None:
    """Add a recovery code, which is shown once."""
    context = current()
    context.require_input("a terminal to show the recovery code on", "call this from a terminal")
    done = _add(context, "recovery", title)
    if done.recovery_code is not None:
        show_code(context, done.recovery_code)


@add.command("ssh")
@_titled
@_for_ssh
@_answered
@with_agent
def add_ssh(title: str, key: str | None, unprotected: bool, passphrase_file: str | None) -> None:
    """Add an SSH key.

    With the private key's file, it is tried once and known on this machine. With a public one (`.pub`), the
    slot is for whoever has the private key.
    """
    context = current()
    if key is None:
        context.require_input("the SSH key", "give its file: --key FILE")
        default = os.path.join(context.world.home, ".ssh", "id_ed25519")
        key = context.terminal.text("file of the SSH key", default)
    outside = OutsideKey(key=os.path.abspath(key), unprotected=unprotected, answer=_answer(passphrase_file))
    _add(context, "ssh", title, outside=outside)


@add.command("plugin")
@_titled
@_for_plugin
@click.option(
    "--recipient", default="", help="recipient (age1…)  [default: the plugin's own for the identity]"
)
@_answered
@with_agent
def add_plugin(
    title: str,
    identity: str | None,
    plugin: str | None,
    touch: bool | None,
    recipient: str,
    passphrase_file: str | None,
) -> None:
    """Add a hardware key, or whatever else an age plugin knows.

    With an identity, it is tried once and known on this machine. With a recipient alone, the slot is for
    whoever has the identity.
    """
    context = current()
    if identity is None and not recipient:
        context.require_input("the plugin's identity", "give its file: --identity FILE")
        identity = context.terminal.text("file of the plugin's identity")
    outside = _plugin_key(context, identity, plugin, touch, recipient)
    _add(context, "plugin", title, outside=msgspec.structs.replace(outside, answer=_answer(passphrase_file)))


@add.command("keyring")
@_titled
@with_agent
def add_keyring(title: str) -> None:
    """Let the login keyring open the account, after you have agreed by the system's own authentication.

    The keyring only gates: a program of yours can read the key in it while you are logged in.
    """
    context = current()
    environment = context.world.environment
    default = f"unix:path={environment.get('XDG_RUNTIME_DIR') or f'/run/user/{context.world.uid}'}/bus"
    bus = environment.get("DBUS_SESSION_BUS_ADDRESS") or default
    _add(context, "keyring", title, outside=OutsideKey(bus=bus))


@slot.command()
@unlocking
@click.argument("name")
@_for_ssh
@_for_plugin
@_answered
@with_agent
def use(
    name: str,
    key: str | None,
    unprotected: bool,
    identity: str | None,
    plugin: str | None,
    touch: bool | None,
    passphrase_file: str | None,
) -> None:
    """Make the key of a slot known on this machine: a slot of another machine, or a plugin after an update.

    Without options, what is known already is looked at anew.
    """
    context = current()
    outside = OutsideKey()
    if identity is not None or plugin is not None:
        outside = _plugin_key(context, identity, plugin, touch, "")
    outside = msgspec.structs.replace(
        outside,
        key=os.path.abspath(key) if key else "",
        unprotected=unprotected,
        touch=outside.touch if touch is None else touch,
        answer=_answer(passphrase_file),
    )
    request = requests.UseSlot(account=context.account, may_ask=context.may_ask, slot=name, outside=outside)
    context.agent.call(request, context.terminal if context.may_ask else None)


@slot.command("remove")
@unlocking
@click.argument("name")
@with_agent
def remove_slot(name: str) -> None:
    """Remove a slot by title or id. The account gets a new identity, so that it opens nothing new."""
    context = current()
    request = requests.RemoveSlot(account=context.account, may_ask=context.may_ask, slot=name)
    say_changed(messages.convert(context.call(request), results.IdentityChanged))


def _add(context: Context, kind: str, title: str, **more: Any) -> results.CreatedSlot:
    request = requests.AddSlot(
        account=context.account, may_ask=context.may_ask, kind=kind, title=title, **more
    )
    return messages.convert(context.call(request), results.CreatedSlot)


def _answer(passphrase_file: str | None) -> Secret | None:
    return None if passphrase_file is None else read_password(passphrase_file)


def _plugin_key(
    context: Context, identity: str | None, program: str | None, touch: bool | None, recipient: str
) -> OutsideKey:
    """What the agent needs to know of a plugin; the program is shown with its owner and mode."""
    from keyturn.vaults.age import plugin, plugin_file

    content = None if identity is None else _read_identity(identity)
    name = ""
    if content is not None:
        name = plugin.name_in_identity(plugin.read_identity(content.reveal())[0])
    elif recipient:
        name = plugin.name_in_recipient(recipient)
    path = os.path.abspath(program) if program else ""
    if name and not path:
        path = plugin_file.find(plugin.PROGRAM + name, context.world.environment.get("PATH", ""))
    if path:
        found = plugin_file.look_at(path, context.world.uid)
        output.note(f"the plugin is {found.describe()}")
    if touch is None and name in WANT_A_TOUCH:
        touch = True
    if touch is None and content is not None and context.may_ask:
        question = f"does {plugin.PROGRAM}{name} want a touch, a fingerprint or a PIN of you each time?"
        touch = context.terminal.confirm(question, default=False)
    return OutsideKey(plugin=path, recipient=recipient, identity=content, touch=touch)


def _read_identity(path: str) -> Secret:
    try:
        content, _ = files.read(Path(path), LARGEST_IDENTITY_FILE)
    except OSError as error:
        raise UsageError(f"the identity cannot be read from {path}: {files.reason(error)}") from None
    except DamagedError as error:
        raise UsageError(error.message) from None
    return Secret(content.decode("utf-8", "replace"))
