"""The parsers, each as a function from bytes to whether it took them.

A target fails by an error that is not documented, and by taking bytes that do not encode to themselves where
there is one encoding only. What is refused is refused without a word of the content.
"""

import itertools
import json
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec

from keyturn.agent import messages, requests
from keyturn.agent.registry import Registry
from keyturn.ground import settings, wire
from keyturn.ground.clock import Clock
from keyturn.ground.errors import ConfigurationError, DamagedError, UsageError
from keyturn.ground.names import is_id
from keyturn.ground.wire import Go, RunRequest, WireError
from keyturn.scopes.defaults import DefaultsFile
from keyturn.sdk import schema
from keyturn.vaults.age import armor, derive, documents, keyring, slots, ssh
from keyturn.vaults.age import plugin as age_plugin
from keyturn.vaults.age.documents import AccountDocument, Codec, VaultDocument
from keyturn.vaults.age.openers import Openers
from keyturn.vaults.age.pins import Machine
from keyturn.vaults.failed import Failed
from tests.fuzz.item_targets import access_key, item_in_editor, one_time_password
from tests.fuzz.other_vault_targets import OTHER_VAULTS
from tests.fuzz.own_targets import OWN
from tests.fuzz.plaintext_targets import TARGETS as PLAINTEXT
from tests.fuzz.refusals import ACCOUNT, CANARY, ITEM, NoClock, refused

Target = Callable[[bytes], bool]

_account, _vault = Codec(AccountDocument), Codec(VaultDocument)
_place = Path(tempfile.mkdtemp(prefix="kt-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))


def account(content: bytes) -> bool:
    try:
        document, version = _account.decode(content)
    except DamagedError as error:
        return refused(error, content)
    assert (version, _account.encode(document)) == (1, content)
    return True


def vault(content: bytes) -> bool:
    try:
        document, version = _vault.decode(content)
    except DamagedError as error:
        return refused(error, content)
    # Format 1 is read, and written no more.
    assert version == 1 or (version, _vault.encode(document)) == (2, content)
    kept = ((key, raw) for key, versions in document.versions.items() for raw in versions)
    everything = itertools.chain(document.items.items(), document.archived.items(), kept)
    for key, raw in itertools.islice(everything, 10):
        _item(key, bytes(raw))
    return True


def item(content: bytes) -> bool:
    """The id comes first, as a vault's key does; then the item."""
    key, _, rest = content.partition(b"\n")
    text = key.decode("utf-8", "replace")
    # The key of a vault is an id, before anything asks for the item; errors name it.
    return _item(text if is_id(text) else ITEM, rest)


def _item(key: str, content: bytes) -> bool:
    try:
        summary = documents.summarise(key, content)
    except DamagedError as error:
        refused(error, content)
        summary = None
    try:
        found = documents.decode_item(key, content)
    except DamagedError as error:
        return refused(error, content)
    assert documents.encode_item(found) == content
    assert summary is not None, "an item that opens, and cannot be listed"
    assert (summary.id, summary.title, list(summary.tags)) == (found.id, found.title, found.tags)
    return True


def slot(content: bytes) -> bool:
    try:
        found = slots.parse(content)
    except DamagedError as error:
        return refused(error, content)
    assert found.encode() == content
    return True


def armored(content: bytes) -> bool:
    try:
        inside = armor.decode(content)
    except DamagedError as error:
        return refused(error, content)
    assert armor.encode(inside) == content
    try:
        work = armor.work_factor(content)
    except DamagedError as error:
        refused(error, content)
    else:
        assert armor.LEAST_WORK <= work <= armor.MOST_WORK
    try:
        armor.check_ssh(content)
    except DamagedError as error:
        refused(error, content)
    return True


def pins(content: bytes) -> bool:
    clock: Clock = NoClock()  # type: ignore[assignment]  # one that fails when it is asked
    machine = Machine(_place, clock, 0)
    path = _place / "pins" / f"{ACCOUNT}.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(content)
    try:
        found = machine.pinned(ACCOUNT)
    except DamagedError as error:
        return refused(error, content)
    assert found is not None
    assert found.account == ACCOUNT
    return True


def defaults(content: bytes) -> bool:
    path = _place / "defaults.json"
    path.write_bytes(content)
    try:
        found = DefaultsFile(path).read()
    except ConfigurationError:
        return False
    keys = json.loads(content)
    for part in ("everywhere", "directories", "bindings", "trusted", "vaults"):
        assert list(getattr(found, part)) == list(keys.get(part, {})), "something was dropped in silence"
    return True


def accounts(content: bytes) -> bool:
    path = _place / "accounts.json"
    path.write_bytes(content)
    try:
        found = Registry(path).entries()
    except ConfigurationError:
        return False
    assert len(found) == len(json.loads(content)["accounts"])
    return True


def settings_file(content: bytes) -> bool:
    path = _place / "settings.toml"
    path.write_bytes(content)
    try:
        found = settings.load(path)
    except ConfigurationError:
        return False
    table = tomllib.loads(content.decode())
    known = {key: value for key, value, _, _ in settings.rows(found)}
    for section, values in table.items():
        for key, value in values.items():
            there = known[f"{section}.{key}"]
            assert (list(there) if isinstance(there, tuple) else there) == value
    settings.change(path, "approval.idle_minutes", "5")
    assert settings.load(path).approval.idle_minutes == 5
    return True


def plugin(content: bytes) -> bool:
    said = "x.toml"
    try:
        schema.parse(content, "x.toml")
        taken = True
    except ConfigurationError as error:
        taken, said = False, error.message
    assert "x.toml" in said
    return taken


def fields(content: bytes) -> bool:
    """The first byte is the number of lists."""
    count, body = content[:1], content[1:]
    try:
        found = wire.decode_fields(body, count[0] % 8 if count else 0)
    except WireError as error:
        return refused(error, content)
    assert wire.encode_fields(*found) == body
    return True


def question(content: bytes) -> bool:
    try:
        found = RunRequest.decode(content)
    except WireError as error:
        return refused(error, content)
    assert found.encode()[2:] == content
    return True


def answer(content: bytes) -> bool:
    try:
        found = Go.decode(content)
    except WireError as error:
        return refused(error, content)
    assert found.encode()[1:] == content
    return True


def request(content: bytes) -> bool:
    try:
        found = messages.decode_request(content)
    except msgspec.DecodeError:
        return False
    assert CANARY.decode() not in repr(found) or not _secrets(found), "a secret shows in a repr"
    assert messages.decode_request(messages.encode(found)) == found
    return True


def _secrets(found: requests.Request) -> bool:
    there = (getattr(found, name, "") for name in ("password", "old", "new"))
    return any(CANARY.decode() in str(secret) for secret in there)


def response(content: bytes) -> bool:
    taken = False
    for decode in (messages.decode_response, messages.decode_answer):
        try:
            decode(content)
        except msgspec.DecodeError:
            continue
        taken = True
    return taken


def openers(content: bytes) -> bool:
    machine = Machine(_place, NoClock(), 0)  # type: ignore[arg-type]  # one that fails when it is asked
    path = _place / "openers" / f"{ACCOUNT}.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(content)
    try:
        found = Openers(machine).of(ACCOUNT)
    except DamagedError as error:
        return refused(error, content)
    assert CANARY.decode() not in repr(found)
    return True


def ssh_key(content: bytes) -> bool:
    """A person's own key file, private or public."""
    try:
        found = ssh.parse(content, "id")
    except UsageError as error:
        return refused(error, content)
    assert found.public.startswith(ssh.KINDS)
    return True


def identity(content: bytes) -> bool:
    """An identity file as age plugins write it."""
    try:
        found, recipient = age_plugin.read_identity(content.decode("utf-8", "replace"))
    except UsageError as error:
        return refused(error, content)
    assert found.reveal() in content.decode("utf-8", "replace")
    assert recipient.encode() in content
    return True


def task(content: bytes) -> bool:
    return _crosses(content, derive.decode_task, derive.decode_result)


def key_task(content: bytes) -> bool:
    return _crosses(content, ssh.decode_task, age_plugin.decode_task, keyring.decode_task)


def _crosses(content: bytes, *decoders: Callable[[bytes], object]) -> bool:
    """Whether one of these takes what crosses a helper's pipe."""
    taken = False
    for decode in decoders:
        try:
            found = decode(content)
        except WireError as error:
            refused(error, content)
            continue
        assert CANARY.decode() not in repr(found) or isinstance(found, Failed | ssh.WrapForSsh)
        taken = True
    return taken


TARGETS: dict[str, Target] = {
    "account": account,
    "vault": vault,
    "item": item,
    "item-in-editor": item_in_editor,
    "access-key": access_key,
    "one-time-password": one_time_password,
    "slot": slot,
    "armor": armored,
    "pins": pins,
    "openers": openers,
    "ssh-key": ssh_key,
    "identity": identity,
    "defaults": defaults,
    "accounts": accounts,
    "settings": settings_file,
    "plugin": plugin,
    **OWN,
    "fields": fields,
    "question": question,
    "answer": answer,
    "request": request,
    "response": response,
    "task": task,
    "key-task": key_task,
    **PLAINTEXT,
    **OTHER_VAULTS,
}
