"""`keyturn item create`."""

from __future__ import annotations

import click

from keyturn.agent import messages, requests
from keyturn.agent.requests import FieldChange
from keyturn.agent.results import ItemView
from keyturn.aws.labels import KEY_ID, SECRET_KEY
from keyturn.cli import assignments, item_key, item_picture, item_template, output
from keyturn.cli.context import Context, current
from keyturn.cli.options import unlocking, with_agent
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret


@click.command(epilog=assignments.HELP)
@unlocking
@click.option("--title", default="", help="the item's title")
@click.option("--vault", default="", help="the vault to put it in")
@click.option("--tag", "tags", multiple=True, help="a tag; may be given several times")
@click.option(
    "--type", "kind", default="", metavar="TYPE", help="its fields are those of TYPE, such as aws/access-key"
)
@click.option(
    "--from", "source", type=click.Choice(["-"]), help="the key that `aws iam create-access-key` prints"
)
@item_picture.option
@click.argument("words", nargs=-1, metavar="[ASSIGNMENT]...")
@with_agent
def create(
    title: str,
    vault: str,
    tags: tuple[str, ...],
    kind: str,
    source: str | None,
    otp_qr: str | None,
    words: tuple[str, ...],
) -> None:
    """Create an item and print its id."""
    context = current()
    parsed = assignments.parse(words)
    if source is not None and any(assignment.value == "-" for assignment in parsed):
        raise UsageError("standard input is one thing: either --from - or the value of a field")
    plugin = item_template.find(kind or item_key.TYPE) if kind or source else None
    if source is not None and plugin is not None and plugin.owner != "aws":
        raise UsageError("--from reads AWS access keys", f"leave out --type, or give --type {item_key.TYPE}")
    all_tags = [*([plugin.tag] if plugin is not None else []), *tags]
    # First, for it may be the first line of the same standard input.
    context.password()
    key = item_key.read() if source is not None else None
    given = [] if key is None else _fields(key)
    if otp_qr is not None:
        given.append(item_picture.field_change(context, otp_qr))
    given += assignments.changes(context, parsed, tags=all_tags)
    assignments.check_once(given)
    title = title or _title(context, "" if plugin is None else plugin.item_title, key)
    if plugin is not None:
        given = item_template.asked(context, plugin, given, only_required=bool(given))
    request = requests.CreateItem(
        account=context.account,
        may_ask=context.may_ask,
        title=title,
        fields=given,
        vault=vault,
        tags=all_tags,
    )
    view = messages.convert(context.call(request), ItemView)
    output.line(view.item.id)
    if not given:
        output.note(f"“{printable(title)}” has no fields yet: keyturn item edit {view.item.id} LABEL=VALUE")


def _fields(key: item_key.AccessKey) -> list[FieldChange]:
    return [
        FieldChange(label=KEY_ID, type="text", value=Secret(key.key_id)),
        FieldChange(label=SECRET_KEY, type="concealed", value=key.secret),
    ]


def _title(context: Context, platform: str, key: item_key.AccessKey | None) -> str:
    if key is not None and key.user:
        return f"{platform} {printable(key.user)}"
    context.require_input("the title", "give it: --title TITLE")
    while True:
        title = context.terminal.text("title of the new item", platform)
        if title:
            return title
