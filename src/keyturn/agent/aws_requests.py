"""Requests for a profile's keys, and such that ask AWS about an item's: whose they are, for an MFA device.

The calls are made by threads of their own; what they may not do is wait for a disk or hold the loop.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from keyturn import otp
from keyturn.agent import field_changes, item_access, requests
from keyturn.agent.audit import Audit
from keyturn.agent.aws_messages import AwsEnvironment, AwsIdentity, MfaDevice
from keyturn.agent.conversation import Conversation
from keyturn.agent.hooks import Hooks
from keyturn.agent.item_access import ItemAccess
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.requests import FieldChange
from keyturn.agent.running import Runner
from keyturn.agent.uses import Use
from keyturn.agent.working import CallersSide, Tellers
from keyturn.aws import destination, mfa, mfa_device, verifying
from keyturn.aws.base import item_keys
from keyturn.aws.calls import Keys
from keyturn.aws.destination import Destination
from keyturn.aws.devices import check_digits
from keyturn.aws.labels import CODE, REGION, SERIAL
from keyturn.aws.mfa_device import Iam, Known, Standing
from keyturn.aws.sts import Refused, Trouble, Unanswered
from keyturn.aws.verifying import Identity
from keyturn.ground.clock import Clock
from keyturn.ground.errors import KeyturnError, StorageError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings
from keyturn.ground.wire import RunRequest
from keyturn.items import Item, VaultReference, find_field, required_field
from keyturn.processes import identity

T = TypeVar("T")

CALLS_AT_ONCE = 4
# Several calls are made in one go. A server that sends a byte now and then keeps every limit of a socket.
LONGEST = 90.0


@dataclass(frozen=True)
class _Opened:
    """An item that may be used, and what its keys are asked by."""

    permission: Permission
    item: Item
    vault: VaultReference
    purpose: Purpose
    keys: Keys
    place: Destination

    @property
    def called(self) -> str:
        return f"item “{printable(self.item.title)}”"


class AwsRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(
        self,
        permissions: Permissions,
        access: ItemAccess,
        audit: Audit,
        clock: Clock,
        hooks: Hooks,
        runner: Runner,
    ) -> None:
        """The devices are those that commands' codes come from: a code works once, whoever sends it."""
        self._permissions = permissions
        self._access = access
        self._audit = audit
        self._clock = clock
        self._runner = runner
        self._configuration = hooks.configuration
        self._devices = hooks.executor.devices
        self._tellers = Tellers()
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, "iam")

    async def provide(self, client: Conversation, request: requests.ProvideAws, settings: Settings) -> object:
        # Its caller is the program that wants the keys: what a profile has run may be run for it.
        client.may_execute = True
        arguments = [b"--profile", request.profile] if request.profile else []
        wanted = RunRequest(request.executable.encode(), b"", arguments, request.environment)
        verb = f"keyturn aws {request.verb}"
        if request.program:
            verb += f" ({printable(request.program, 100)})"
        provided = await self._runner.provide(client, wanted, settings, verb, request.surroundings)
        given = provided.provisioned.assign.items()
        return AwsEnvironment(
            # Latin-1 carries every byte.
            assign={name: Secret(value.decode("latin-1")) for name, value in given},
            remove=list(provided.provisioned.remove),
            notes=list(provided.notes),
        )

    async def verify(self, client: Conversation, request: requests.VerifyKeys, settings: Settings) -> object:
        if request.item:
            opened = await self._open(client, request, settings, "keyturn aws verify")
            keys, place, source = opened.keys, opened.place, opened.called
        elif request.secret is not None:
            keys, source = Keys(request.key_id, request.secret, request.token), "the key"
            place = await self._place(client, request, settings, request.region, "")
        else:
            raise UsageError("which keys?", "those of an item: keyturn aws verify ITEM")
        if keys.token is None:
            verifying.check_lasting(keys, source)
        found = await self._ask_whose(client, keys, place, source)
        return AwsIdentity(found.account, found.arn, found.user)

    async def make(self, client: Conversation, request: requests.MakeMfaDevice, settings: Settings) -> object:
        opened = await self._open(client, request, settings, "keyturn aws mfa enable")
        await self._access.agree_anew(client, opened.permission, opened.item, "change")
        verifying.check_lasting(opened.keys, opened.called)
        whose = await self._ask_whose(client, opened.keys, opened.place, opened.called)
        known = Known(mfa.value_of(opened.item, SERIAL), bool(mfa.value_of(opened.item, CODE)))
        iam, name = Iam(opened.keys, opened.place), request.device_name

        async def make() -> Standing:
            found = await self._iam(
                client, opened, known.serial, lambda: mfa_device.stand(iam, whose, known, name, opened.called)
            )
            if found.made is not None:
                await opened.permission.unlocked.run(lambda: _keep(opened, found))
            return found

        # Its secret is kept also if the client goes away meanwhile: AWS tells it once.
        standing = await asyncio.shield(asyncio.ensure_future(make()))
        return MfaDevice(
            item=opened.item.id,
            title=opened.item.title,
            serial=standing.serial,
            is_enabled=standing.is_enabled,
            is_new=standing.made is not None,
            replaced=standing.replaced,
        )

    async def enable(
        self, client: Conversation, request: requests.EnableMfaDevice, settings: Settings
    ) -> object:
        opened = await self._open(client, request, settings, "keyturn aws mfa enable")
        serial = required_field(opened.item, SERIAL).value.reveal().strip()
        password = check_digits(otp.parse(required_field(opened.item, CODE).value), opened.called)
        user = mfa_device.check_user(
            await self._ask_whose(client, opened.keys, opened.place, opened.called), opened.called
        )
        iam = Iam(opened.keys, opened.place)
        shown: list[Callable[[], str]] = [lambda: mfa_device.DOING]

        async def codes() -> tuple[Secret, Secret]:
            async with self._devices.lock(serial):
                return await mfa_device.two_codes(self._devices, self._clock, serial, password, shown.append)

        two = await self._follow(client, opened.purpose, codes(), lambda: shown[-1]())
        await self._iam(client, opened, serial, lambda: iam.enable(user, serial, two))
        return None

    async def _open(
        self,
        client: Conversation,
        request: requests.VerifyKeys | requests.MakeMfaDevice | requests.EnableMfaDevice,
        settings: Settings,
        command: str,
    ) -> _Opened:
        """The item, asked for and written down. Raises MissingError for one without keys."""
        entry = self._permissions.choose(request.account, client.caller)
        named, title = printable(request.item), printable(entry.title)
        line = f"keyturn is to ask AWS with the keys of the item “{named}” of account “{title}”"
        purpose = Purpose((line,), Use(entry.id, request.item), command, "named")
        vault = getattr(request, "vault", "")
        how = ""
        try:
            permission = await self._permissions.obtain(client, entry, purpose, settings)
            how = permission.how
            item, place = await permission.unlocked.run(
                lambda: item_access.find(permission, request.item, vault)
            )
            if isinstance(request, requests.VerifyKeys):
                await self._access.agree_anew(client, permission, item, "verify")
        except KeyturnError as error:
            self._audit.write(client.caller, purpose, error, how)
            raise
        purpose = dataclasses.replace(purpose, use=Use(entry.id, item.id))
        self._audit.write(client.caller, purpose, None, how)
        region, serial = mfa.value_of(item, REGION), mfa.value_of(item, SERIAL)
        keys = item_keys(item, self._clock.now())
        return _Opened(
            permission,
            item,
            place,
            purpose,
            keys,
            await self._place(client, request, settings, region, serial),
        )

    async def _place(
        self,
        client: Conversation,
        request: requests.VerifyKeys | requests.MakeMfaDevice | requests.EnableMfaDevice,
        settings: Settings,
        region: str,
        serial: str,
    ) -> Destination:
        pairs = (os.fsdecode(each).partition("=") for each in request.environment)
        variables = {name: value for name, _, value in pairs}
        directory = identity.directory(client.caller.pid) or ""

        def find() -> Destination:
            configuration = self._configuration.load(variables, directory)
            return destination.find(
                configuration, variables, directory, region, serial, settings.aws.endpoints
            )

        return await asyncio.to_thread(find)

    async def _ask_whose(self, client: Conversation, keys: Keys, place: Destination, source: str) -> Identity:
        try:
            return await self._thread(client, lambda: verifying.identify(keys, place))
        except (Refused, Unanswered) as error:
            raise verifying.explain(error, source, place, self._clock.now()) from None

    async def _iam(self, client: Conversation, opened: _Opened, serial: str, work: Callable[[], T]) -> T:
        try:
            return await self._thread(client, work)
        except (Refused, Unanswered) as error:
            raise mfa_device.explain(error, opened.called, serial, opened.place, self._clock.now) from None

    async def _thread(self, client: Conversation, work: Callable[[], T]) -> T:
        # Nobody is asked, but it may take longer than the client would wait.
        await client.waiting()
        try:
            async with asyncio.timeout(LONGEST):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise Unanswered(Trouble.INTERRUPTED, "AWS") from None

    async def _follow(
        self,
        client: Conversation,
        purpose: Purpose,
        work: Coroutine[object, object, T],
        line: Callable[[], str],
    ) -> T:
        """The outcome of `work`, which ends with the client; a person who looks on is told `line`."""
        await client.waiting()
        task = asyncio.ensure_future(work)
        try:
            if not client.may_ask:
                return await task
            side = CallersSide(client, self._permissions, self._tellers, purpose)
            return await client.run(side.follow(task, line))
        finally:
            task.cancel()


def _keep(opened: _Opened, standing: Standing) -> None:
    """Put secret and serial into the item, and read them back. Raises StorageError if they are not there."""
    assert standing.made is not None
    backend = opened.permission.unlocked.backend
    item, _ = backend.get(opened.item.id)
    changes = [
        FieldChange(label=CODE, type="otp", value=standing.made),
        FieldChange(label=SERIAL, type="text", value=Secret(standing.serial)),
    ]
    field_changes.apply(item, changes)
    backend.edit(item)
    kept, _ = backend.read_back(item.id)
    for change in changes:
        field = find_field(kept, change.label)
        if field is None or field.value != change.value:
            raise StorageError(
                f"the “{change.label}” read back from the vault is not what was stored",
                "the MFA device was not enabled; look at the disk before you try again",
            )
