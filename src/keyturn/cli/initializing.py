"""`keyturn plugin init`: its flags. What it does is in `setup` and the modules beside it."""

from __future__ import annotations

import click

from keyturn.cli.context import current
from keyturn.cli.options import unlocking, with_agent
from keyturn.cli.setup import Setup
from keyturn.cli.setup_plan import Choices
from keyturn.ground.errors import UsageError


@click.command("init")
@unlocking
@click.argument("executable", default="")
@click.option(
    "--import-profile",
    metavar="NAME",
    help="import what the tool's own file has under this name (AWS: the profile in ~/.aws/credentials)",
)
@click.option(
    "--import-file", metavar="PATH", help="import what is in this file, which is one of the tool's own"
)
@click.option("--import-env", is_flag=True, help="import what is in the environment")
@click.option("--import-keyring", is_flag=True, help="import what the tool keeps in the login keyring (gh)")
@click.option(
    "--credential",
    metavar="PLUGIN",
    help="for a command that takes any credentials (terraform): the one of this plugin, besides what it has",
)
@click.option("--item", "item", metavar="TITLE-OR-ID", help="use an item that is in the vault")
@click.option(
    "--field",
    "fields",
    metavar="LABEL=FIELD",
    multiple=True,
    help="the field of the item that is LABEL, if it is called FIELD there; it is renamed",
)
@click.option("--vault", default="", metavar="NAME", help="the vault to import into")
@click.option("--title", default="", help="the title of an imported item")
@click.option(
    "--scope",
    type=click.Choice(["session", "directory", "global"]),
    help="where the item is the default: in this terminal session, in this directory and below, everywhere "
    "[default: global]",
)
@click.option("--directory", metavar="PATH", help="in place of this directory; means --scope directory")
@click.option(
    "--profile",
    metavar="NAME",
    help="bind the item to this AWS profile; it is a default only if --scope or --directory says so too",
)
@click.option(
    "--also", metavar="NAMES", help="other commands to give the same item, separated by commas; '' for none"
)
@click.option(
    "--remove-plaintext/--keep-plaintext",
    default=None,
    help="take the imported keys out of the file they came from, or leave them there",
)
@click.option(
    "--verify/--no-verify", default=True, help="have AWS confirm its keys before plaintext is removed, or not"
)
@click.option(
    "--recovery/--no-recovery", default=None, help="with a first account, also make a recovery code"
)
@click.option(
    "--preset",
    type=click.Choice(["balanced", "strict", "login-session"]),
    help="with a first account, how often to ask (the setting approval.preset)",
)
@click.option(
    "--shell-rc/--no-shell-rc",
    default=None,
    help="add the line that sources plugins.sh to your shell's start-up file, or do not",
)
@click.option("--dry-run", is_flag=True, help="ask, say what would be done, and change nothing")
@with_agent
def command(
    executable: str,
    import_profile: str | None,
    import_file: str | None,
    import_env: bool,
    import_keyring: bool,
    credential: str | None,
    item: str | None,
    fields: tuple[str, ...],
    vault: str,
    title: str,
    scope: str | None,
    directory: str | None,
    profile: str | None,
    also: str | None,
    remove_plaintext: bool | None,
    verify: bool,
    recovery: bool | None,
    preset: str | None,
    shell_rc: bool | None,
    dry_run: bool,
) -> None:
    """Set EXECUTABLE up: choose or import a credential, make it the default, write plugins.sh.

    Without EXECUTABLE there is a list to choose from. Nothing is changed before the last question.
    """
    choices = Choices(
        import_profile=import_profile,
        import_file=import_file,
        import_env=import_env,
        import_keyring=import_keyring,
        credential=credential,
        item=item,
        vault=vault,
        title=title,
        remove_plaintext=remove_plaintext,
        verify=verify,
        recovery=recovery,
        preset=preset,
        scope=scope,
        directory=directory,
        profile=profile,
        fields=dict(map(_assigned, fields)),
        also=None if also is None else tuple(name for name in also.replace(",", " ").split() if name),
        shell_rc=shell_rc,
        dry_run=dry_run,
    )
    Setup(current(), executable, choices).run()


def _assigned(text: str) -> tuple[str, str]:
    label, equals, field = text.partition("=")
    if not equals or not label.strip() or not field.strip():
        raise UsageError("--field takes LABEL=FIELD", "such as --field 'secret access key=secret'")
    return label.strip(), field.strip()
