"""`keyturn aws import --paste`: temporary keys from a page or a program, for as long as they last."""

from __future__ import annotations

import sys

from keyturn.agent import messages, requests
from keyturn.agent.requests import FieldChange
from keyturn.agent.results import ItemView
from keyturn.aws import triples
from keyturn.aws.labels import EXPIRES, KEY_ID, SECRET_KEY, TOKEN
from keyturn.aws.triples import Triple
from keyturn.catalogue import loader
from keyturn.cli import aws_asking
from keyturn.cli.context import Context
from keyturn.cli.filing import Filing, check
from keyturn.cli.output import note
from keyturn.ground.clock import timestamp
from keyturn.ground.errors import ExpiredKeysError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.items import ItemReference

TITLE = "AWS temporary"
PASTE = "paste the block of keys (it is not shown; an empty line ends it): "


def paste(context: Context, title: str, item: str, vault: str, *, verify: bool) -> None:
    """Take keys from standard input, or have them pasted on the terminal, and put them into an item.

    `item` is one whose keys are replaced; without it there is a new one. Raises UsageError for what holds no
    such keys, ExpiredKeysError for keys that have ended, and what AWS and the vault say.
    """
    triple = triples.parse(_pasted(context))
    if triple.expires is not None and triple.expires <= context.world.clock.now():
        raise ExpiredKeysError(
            f"these keys have expired, at {timestamp(triple.expires)}", "get new ones there"
        )
    if verify:
        found = aws_asking.verified_keys(context, triple.key_id, triple.secret, token=triple.token)
        note(f"the keys are {printable(found.arn, 200)}")
    reference, called = (
        _replaced(context, item, vault, triple) if item else _made(context, title, vault, triple)
    )
    until = f", until {timestamp(triple.expires)}" if triple.expires is not None else ""
    note(f"item “{printable(called)}” has the keys{until} ({reference.item})")


def _pasted(context: Context) -> Secret:
    if sys.stdin is not None and not sys.stdin.isatty():
        content = sys.stdin.buffer.read(triples.LONGEST + 1)
        try:
            return Secret(content.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise UsageError("standard input is not UTF-8 text") from None
    context.require_input("the block of keys", "on standard input: aws configure export-credentials | …")
    return context.terminal.block(PASTE, _is_whole)


def _is_whole(text: str) -> bool:
    try:
        triples.parse(Secret(text))
    except UsageError:
        return False
    # In lines the end, if there is one, may still come.
    return text.lstrip().startswith("{")


def _fields(triple: Triple) -> list[FieldChange]:
    fields = [
        FieldChange(label=KEY_ID, type="text", value=Secret(triple.key_id)),
        FieldChange(label=SECRET_KEY, type="concealed", value=triple.secret),
        FieldChange(label=TOKEN, type="concealed", value=triple.token),
    ]
    if triple.expires is not None:
        fields.append(FieldChange(label=EXPIRES, type="text", value=Secret(timestamp(triple.expires))))
    return fields


def _made(context: Context, title: str, vault: str, triple: Triple) -> tuple[ItemReference, str]:
    filing = Filing(context, vault)
    reference, view = filing.made(title or TITLE, _fields(triple), loader.load(aws_asking.PLUGIN).tag)
    return reference, view.item.title


def _replaced(context: Context, item: str, vault: str, triple: Triple) -> tuple[ItemReference, str]:
    """The item with the new keys in the place of the old ones; its end goes if the new ones tell none."""
    fields = _fields(triple)
    if triple.expires is None:
        fields.append(FieldChange(label=EXPIRES, type="text", value=Secret("")))
    request = requests.EditItem(
        account=context.account, may_ask=context.may_ask, item=item, vault=vault, fields=fields
    )
    view = messages.convert(context.call(request), ItemView)
    reference = ItemReference(view.account, view.vault, view.item.id, view.item.title)
    check(context, reference, {each.label: each.value for each in fields if each.value})
    return reference, view.item.title
