"""`keyturn item edit`."""

from __future__ import annotations

import click

from keyturn.agent import requests
from keyturn.agent.field_changes import ONE_TIME_PASSWORD
from keyturn.agent.requests import FieldChange
from keyturn.cli import assignments, item_editor, item_picture, item_template, item_view
from keyturn.cli.context import current
from keyturn.cli.options import unlocking, with_agent
from keyturn.ground.errors import UsageError
from keyturn.items import FieldType, Item


@click.command(epilog=assignments.HELP)
@unlocking
@click.option("--vault", default="", help="look only in this vault")
@click.option("--title", default="", help="a new title")
@click.option("--tag", "tags", multiple=True, help="the tags from now on, beside Keyturn's own")
@click.option("--type", "kind", default="", metavar="TYPE", help="it is a credential of TYPE: aws/access-key")
@click.option("--remove", "removed", multiple=True, metavar="LABEL", help="remove a field")
@click.option(
    "--rename", "renamed", multiple=True, metavar="OLD=NEW", help="call the field OLD by another label"
)
@click.option(
    "--always-ask/--no-always-ask", default=None, help="ask at each use, whatever was approved before"
)
@item_picture.option
@click.option("--editor", is_flag=True, help="edit it in $EDITOR, in a private file in memory")
@click.option("--reveal", is_flag=True, help="with --editor: secret values too")
@click.argument("name")
@click.argument("words", nargs=-1, metavar="[ASSIGNMENT]...")
@with_agent
def edit(
    vault: str,
    title: str,
    tags: tuple[str, ...],
    kind: str,
    removed: tuple[str, ...],
    renamed: tuple[str, ...],
    always_ask: bool | None,
    otp_qr: str | None,
    editor: bool,
    reveal: bool,
    name: str,
    words: tuple[str, ...],
) -> None:
    """Set, add, remove, rename or retype fields of an item, by title or id."""
    context = current()
    parsed = assignments.parse(words)
    is_change = any((parsed, removed, renamed, title, tags, kind, otp_qr)) or always_ask is not None
    if reveal and not editor:
        raise UsageError("--reveal goes with --editor")
    if editor and is_change:
        raise UsageError("--editor changes everything there", "do the rest in it, or in another call")
    if not editor and not is_change:
        raise UsageError("nothing to change", "what can be changed: keyturn item edit --help")
    if editor:
        item_editor.edit(context, item_view.fetch(context, name, vault), reveal=reveal)
        return
    typed = item_template.find(kind) if kind else None
    # First, for it may be the first line of the same standard input.
    context.password()
    picture = None if otp_qr is None else item_picture.field_change(context, otp_qr)
    # Looked at before a value is asked for: whether it is there, and which of its fields are secret.
    view = item_view.fetch(context, name, vault)
    all_tags = [*([typed.tag] if typed is not None else []), *tags]
    changes = assignments.changes(context, parsed, view.item, [*view.item.tags, *all_tags])
    if picture is not None:
        changes.append(FieldChange(label=_otp_label(view.item), type=picture.type, value=picture.value))
    assignments.check_once(changes)
    changes += [FieldChange(label=label) for label in removed]
    changes += [_renaming(words) for words in renamed]
    if typed is not None and not tags:
        all_tags = [*view.item.tags, typed.tag]
    request = requests.EditItem(
        account=context.account,
        may_ask=context.may_ask,
        item=view.item.id,
        vault=view.vault,
        title=title,
        fields=changes,
        tags=all_tags if tags or typed is not None else None,
        always_ask=always_ask,
    )
    context.call(request)


def _otp_label(item: Item) -> str:
    """The label of the item's one-time password, else the usual one."""
    labels = [field.label for field in item.fields if field.type is FieldType.OTP]
    return labels[0] if len(labels) == 1 else ONE_TIME_PASSWORD


def _renaming(words: str) -> FieldChange:
    former, equals, label = words.partition("=")
    if not equals or not former.strip() or not label.strip():
        raise UsageError("--rename takes OLD=NEW", "such as --rename 'mfa arn=mfa serial'")
    return FieldChange(label=label.strip(), former=former.strip())
