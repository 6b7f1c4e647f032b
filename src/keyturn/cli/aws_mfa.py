"""`keyturn aws mfa`."""

from __future__ import annotations

import click

from keyturn.agent import messages, requests
from keyturn.agent.aws_messages import MfaDevice
from keyturn.cli import aws_asking
from keyturn.cli.context import current
from keyturn.cli.grouping import Group
from keyturn.cli.options import unlocking, with_agent
from keyturn.cli.output import note
from keyturn.ground.names import printable

# Two steps of half a minute, the pause that an unreadable record of used codes costs, and the calls.
ENABLE_SECONDS = 240.0


@click.group(cls=Group)
def mfa() -> None:
    """Multi-factor authentication of an IAM user."""


@mfa.command()
@unlocking
@click.option("--vault", default="", help="look only in this vault")
@click.option("--device-name", default="", metavar="NAME", help="the device's name, if not the user's")
@click.argument("item", default="")
@with_agent
def enable(vault: str, device_name: str, item: str) -> None:
    """Make a virtual MFA device for the user whose keys an item holds, and enable it.

    Its secret and serial are kept in the item first; two codes of it, half a minute apart, then enable it.
    Interrupted at any point, the same command goes on. Without ITEM it is the one that `aws` uses here.
    """
    context = current()
    account, name = aws_asking.item(context, item)
    environment = aws_asking.environment(context)
    request = requests.MakeMfaDevice(
        account=account,
        may_ask=context.may_ask,
        item=name,
        vault=vault,
        environment=environment,
        device_name=device_name,
    )
    device = messages.convert(context.call(request), MfaDevice)
    title, serial = printable(device.title), printable(device.serial, 200)
    if device.is_enabled:
        note(f"the MFA device {serial} is enabled already, and its secret is in item “{title}”")
        return
    if device.replaced:
        note(
            f"threw away a device of that name that was never enabled, and whose secret was not in “{title}”"
        )
    if device.is_new:
        note(f"made the MFA device {serial}; its secret is in item “{title}”")
    else:
        note(f"going on with the MFA device {serial} of item “{title}”")
    note("it takes two codes, one after the other: half a minute or so")
    context.agent.call(
        requests.EnableMfaDevice(
            account=account or context.account,
            may_ask=context.may_ask,
            item=device.item,
            environment=environment,
        ),
        context.terminal if context.may_ask else None,
        ENABLE_SECONDS,
    )
    note(f"the MFA device {serial} is enabled; commands that use “{title}” get their codes from it")
