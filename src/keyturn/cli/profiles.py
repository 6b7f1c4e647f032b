"""Items that are bound to a name that commands are told: the profiles of AWS."""

from __future__ import annotations

import os

from keyturn.aws.config import ConfigurationCache, Section
from keyturn.catalogue import loader
from keyturn.cli import surroundings
from keyturn.cli.context import Context
from keyturn.cli.output import note
from keyturn.ground.errors import KeyturnError, NoDefaultError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.world import World
from keyturn.scopes import defaults
from keyturn.scopes.defaults import DefaultsFile
from keyturn.sdk.schema import Plugin

DEFAULT = "default"

# A profile with one of these says itself where its credentials come from (botocore, credentials.py).
_OWN_WAYS = ("role_arn", "web_identity_token_file", "login_session", "credential_process")
_SINGLE_SIGN_ON = "sso_"


def known(world: World, plugin: Plugin, executable: str) -> list[str]:
    """The profiles that this command may be told, as the AWS files have them, but for `default`; sorted.

    None for a command that is told no profile, and where the files cannot be read: they are not needed here.
    """
    found = plugin.executable(executable)
    if found is None or found.profile is None:
        return []
    try:
        return sorted(set(_sections(world)) - {DEFAULT})
    except KeyturnError:
        return []


def check(plugin: Plugin, executable: str, name: str) -> None:
    """Raises UsageError for a name that no item can be bound to, or a command that is told none."""
    found = plugin.executable(executable)
    if found is None or found.profile is None:
        raise UsageError(f"{executable} is told no profile", "--scope says where it is to use an item")
    if name in ("", DEFAULT):
        raise UsageError(
            f"no item is bound to the profile “{name}”", "it uses the default: leave --profile out"
        )


def clear(context: Context, executable: str, name: str) -> None:
    """Take the item away that is bound to a profile, and say what commands use that are told it.

    Raises UsageError for a command that no plugin wraps, NoDefaultError if no item is bound to the profile.
    """
    listed = loader.listed().get(executable)
    if listed is None:
        raise loader.unknown(executable)
    file = DefaultsFile(context.world.directories.defaults)
    bound = file.read().bindings.get(listed.owner, {})
    if name not in bound:
        names = ", ".join(printable(each) for each in sorted(bound)) or "none"
        raise NoDefaultError(
            f"no item is bound to profile “{printable(name)}”", f"profiles with an item: {names}"
        )
    file.change(lambda content: defaults.without_binding(content, listed.owner, name))
    note(f"cleared the item of profile “{printable(name)}”: “{printable(bound[name].title)}”")
    note(_what_now(context, executable, name))


def _what_now(context: Context, executable: str, name: str) -> str:
    """What a command uses that is told a profile without an item; aws/plan.py decides it so."""
    told = f"{printable(executable)}, told profile “{printable(name)}”,"
    try:
        section = _sections(context.world).get(name)
    except KeyturnError as error:
        return f"the AWS files do not say what it is now: {error.message}"
    if section is None:
        return f"{told} is refused now: no AWS file has that profile"
    if any(key in _OWN_WAYS or key.startswith(_SINGLE_SIGN_ON) for key in section):
        return f"{told} now goes by what the AWS files say"
    if "aws_access_key_id" in section:
        return f"{told} now uses the keys in the AWS files"
    here = surroundings.look(context.world).layers(executable)
    if not here:
        return f"{told} has no item now"
    source = here[0].source(surroundings.home(context.world))
    return f"{told} now uses {source}: “{printable(here[0].item.title)}”"


def _sections(world: World) -> dict[str, Section]:
    try:
        directory = os.getcwd()
    except FileNotFoundError:
        directory = "/"
    return dict(ConfigurationCache().load(world.environment, directory).profiles)
