"""Seeds: for each target some files that it takes, and files that once broke it.

`python -m tests.fuzz.seeds` writes the first kind anew, from what the product itself writes; the second
kind is kept by hand, in `crashes/TARGET/`.
"""

import base64
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from keyturn.agent import messages, requests
from keyturn.agent.message import Message
from keyturn.agent.registry import Entry, Registry
from keyturn.catalogue import loader
from keyturn.cli import item_text
from keyturn.ground.clock import SystemClock
from keyturn.ground.secret import Secret
from keyturn.ground.wire import Go, RunRequest, encode_fields
from keyturn.items import Field, FieldType, Item, ItemReference, Section, Url
from keyturn.scopes import defaults
from keyturn.scopes.defaults import DefaultsFile
from keyturn.vaults.age import armor, contents, derive, documents, keyring, plugin, ssh
from keyturn.vaults.age.documents import AccountDocument, Codec, Previous, SlotRecord, VaultDocument
from keyturn.vaults.age.openers import KeyringOpener, Opener, Openers, PluginOpener, SshOpener
from keyturn.vaults.age.pins import Change, FilePin, Machine, Pinned, _encode
from keyturn.vaults.age.slots import Header, Kind, Slot
from keyturn.vaults.failed import Failed
from tests.fuzz import other_vault_targets, plaintext_targets
from tests.fuzz.refusals import ACCOUNT, CANARY, ITEM, MOMENT
from tests.fuzz.targets import TARGETS
from tests.vaults.age_plugin import bech32

FOLDER = Path(__file__).parent
SLOT, VAULT, MACHINE = "b" * 26, "v" * 26, "m" * 26
DIGEST = "0123456789abcdef" * 4
SECRET = Secret(CANARY.decode())
# Of no plugin; the checksums are right (BIP 173).
RECIPIENT = bech32("age1x", CANARY)
PLUGIN_IDENTITY = bech32("age-plugin-x-", CANARY).upper()


def of(target: str) -> list[bytes]:
    """The seeds and the crashes of a target. No seed is an error: a fuzzer without seeds finds nothing."""
    numbered = sorted((FOLDER / "seeds" / target).glob("*"), key=lambda path: (len(path.name), path.name))
    found = [path.read_bytes() for path in numbered]
    if len(found) < 2:
        raise AssertionError(f"{target} has no seeds: python -m tests.fuzz.seeds")
    return found + [path.read_bytes() for path in sorted((FOLDER / "crashes" / target).glob("*"))]


def _block(size: int) -> bytes:
    return armor.encode(bytes(range(size)))


def _locked(work: int) -> bytes:
    stanza = b"age-encryption.org/v1\n-> scrypt %s %d\n%s\n--- %s\n"
    return armor.encode(stanza % (b"A" * 22, work, b"A" * 43, b"A" * 43) + bytes(48))


def _item() -> Item:
    values = [
        Field(id="1", type=FieldType.TEXT, label="access key id", value=Secret("AKIAIOSFODNN7EXAMPLE")),
        Field(id="2", type=FieldType.CONCEALED, label="sécret", value=SECRET, section=Section("s", "More")),
    ]
    urls = [Url("https://example.com", "site", primary=True)]
    return Item(ITEM, "AWS", "API_CREDENTIAL", 3, MOMENT, MOMENT, values, ["keyturn/aws/access-key"], urls)


def make() -> dict[str, list[bytes]]:
    """All seeds, by target; the same each time."""
    records = [
        SlotRecord(SLOT, Kind.PASSWORD, "password", MOMENT, SECRET, _locked(15).decode()),
        SlotRecord("c" * 26, Kind.RECOVERY, "code", MOMENT, SECRET, ""),
    ]
    account = contents.first_account(ACCOUNT, "Test", records, MOMENT, MACHINE)
    changed = msgspec.structs.replace(
        account, generation=3, history=[(1, DIGEST), (2, DIGEST)], previous=Previous(SECRET, [SLOT])
    )
    empty = contents.empty_vault(ACCOUNT, VAULT, "Private", MOMENT, MACHINE)
    full = contents.with_item(empty, _item())
    edited = contents.with_edited(full, _item(), MOMENT)
    aside = contents.archived(edited, ITEM, MOMENT)
    accounts, vaults = Codec(AccountDocument), Codec(VaultDocument)
    item = documents.encode_item(_item())
    password = Header(ACCOUNT, SLOT, Kind.PASSWORD, "pass word", MOMENT)
    recovery = Header(ACCOUNT, SLOT, Kind.RECOVERY, "code", MOMENT)
    pinned = Pinned(1, ACCOUNT, "Test", "/x", DIGEST, None, {"account": FilePin(1, DIGEST)})
    changing = msgspec.structs.replace(pinned, change=Change(DIGEST, [SLOT]))
    reference = ItemReference(ACCOUNT, VAULT, ITEM, "AWS")
    run = RunRequest(b"aws", b"/usr/bin/aws", [b"s3", b"ls", b""], [b"HOME=/x", b"AWS_PROFILE=dev"])
    field = requests.FieldChange(label="token", value=SECRET)
    default = requests.SetDefault(
        executable="aws", plugin="aws", reference=reference, bind="dev", trust="/usr/bin/aws"
    )
    outside = requests.OutsideKey(plugin="/x", identity=SECRET, touch=True, answer=SECRET)
    asked: list[Message] = [
        requests.Hello(),
        requests.SignIn(account="Test", may_ask=True, password=SECRET),
        requests.ChangePassword(old=SECRET, new=SECRET),
        requests.AddSlot(kind="plugin", title="x", outside=outside),
        requests.CreateItem(title="x", fields=[field], urls=[Url("https://example.com")], tags=["a"]),
        default,
        requests.EditItem(item="x", fields=[requests.FieldChange(label="a", former="b")], tags=["t"]),
        requests.ReplaceItem(item=_item()),
        requests.RestoreItem(item="x", version=3),
        requests.ListItems(words=["a"], tag="t", type="aws/access-key", archived=True),
        requests.CheckItem(reference=reference, fields={"token": SECRET}),
    ]
    responses: list[Message] = [
        messages.Done(result={"id": "x", "rows": [1, None, True]}),
        messages.Failed(code="locked", text="no", hints=["try"]),
        messages.Ask(number=1, lines=["a"], prompt="password"),
        messages.Waiting(),
        messages.Answer(number=1, secret=SECRET),
        messages.Cancel(number=1),
    ]
    return {
        "account": [accounts.encode(account), accounts.encode(changed)],
        "vault": [*(vaults.encode(each) for each in (empty, full, edited, aside)), _first_format()],
        "item-in-editor": [
            item_text.write(_item(), reveal=True).encode(),
            b'title = "x"\n[[field]]\nlabel = "a"\ntype = "otp"\nvalue = """\nCANARYEXAMPLE"""\n',
        ],
        "access-key": [
            b'{"AccessKey": {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "CANARYEXAMPLE"}}',
            b"AKIAIOSFODNN7EXAMPLE\twJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        ],
        "one-time-password": [
            b"jbsw y3dp-ehpk3pxp=",
            b"otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP&algorithm=SHA512&digits=8&period=60",
        ],
        "item": [f"{ITEM}\n".encode() + item, f"{VAULT}\n".encode() + item],
        "slot": [
            Slot(password, (_locked(15), _block(100))).encode(),
            Slot(recovery, (_block(100),)).encode(),
            Slot(password, (_locked(22), _block(100))).encode(),
            Slot(replace(password, kind=Kind.SSH), (_for_ssh(), _block(100))).encode(),
            Slot(replace(password, kind=Kind.PLUGIN), (_block(60), _block(100))).encode(),
            Slot(replace(password, kind=Kind.KEYRING), (_block(100),)).encode(),
        ],
        "armor": [_block(1), _block(200), _locked(15), _locked(99), _for_ssh()],
        "pins": [_encode(pinned), _encode(changing)],
        "openers": _openers(),
        "ssh-key": [_ssh_key(b"none"), _ssh_key(b"aes256-ctr"), b"ssh-ed25519 AAAA CANARYEXAMPLE\n"],
        "identity": [
            f"# recipient: {RECIPIENT}\n{PLUGIN_IDENTITY}\n".encode(),
            f"{PLUGIN_IDENTITY}\n{PLUGIN_IDENTITY}\n".encode(),
        ],
        "defaults": _defaults(reference),
        "accounts": _accounts(),
        "settings": [
            b"",
            b"# mine\n[approval]\nidle_minutes = 7\nhard_hours = 3\n\n[lock]\nidle_hours = 1\n",
            b'[executables]\ntrusted_directories = ["/opt/bin", "/usr/bin"]\n[vault]\nversions_kept = 0\n',
        ],
        "plugin": [*[path.read_bytes() for path in sorted(loader.BUILT_IN.glob("*.toml"))][:8], b"name = 1"],
        "cases": [
            *[path.read_bytes() for path in sorted((loader.BUILT_IN / "cases").glob("*.toml"))][:8],
            b"[[rule]]\nexecutable = 'x'\nneeds = ['\"']\nbare = ['x']",
        ],
        "rules": [
            b'[aws]\nalways = ["help"]\nnever = ["s3 presign", "* describe-*", "x --dry-run"]\n',
            b"[aws]\nnever = ['s3']\n[gh]\nalways = ['-h']\n",
            b"[aws]\nnevr = ['x']\n",
        ],
        "fields": [
            b"\x03" + encode_fields([b"a"], [], [b"", b"b"]),
            b"\x00\x00",
            b"\x01" + encode_fields([]),
        ],
        "question": [run.encode()[2:], RunRequest(b"", b"", [], []).encode()[2:]],
        "answer": [
            Go([b"note"], [b"A"], [(b"B", b"c")], [b"x"], [b"/run/p"]).encode()[1:],
            Go([], [], [], []).encode()[1:],
        ],
        "request": [messages.encode(each) for each in asked],
        "response": [messages.encode(each) for each in responses],
        "task": [
            derive.encode_task(derive.WrapPassword(SECRET)),
            derive.encode_task(derive.UnwrapPassword(_locked(15), SECRET)),
            derive.encode_result(derive.Wrapped(_locked(15), SECRET)),
            derive.encode_result(derive.Unwrapped(SECRET)),
            derive.encode_result(Failed("damaged", "x", ("y",))),
        ],
        "key-task": [
            ssh.encode_task(ssh.WrapForSsh("ssh-ed25519 AAAA")),
            ssh.encode_task(ssh.UnwrapBySsh(_for_ssh(), "/x", unprotected=True)),
            plugin.encode_task(plugin.WrapForPlugin("x", RECIPIENT, SECRET)),
            plugin.encode_task(plugin.UnwrapByPlugin("x", _block(60), SECRET)),
            keyring.encode_task(keyring.StoreInKeyring(ACCOUNT, ITEM, "x", SECRET)),
            keyring.encode_task(keyring.ReadFromKeyring(ACCOUNT, ITEM)),
            keyring.encode_task(keyring.DeleteFromKeyring(ACCOUNT, ITEM)),
        ],
        **plaintext_targets.seeds(),
        **other_vault_targets.seeds(),
    }


def _first_format() -> bytes:
    """A vault as format 1 had it."""
    head = f'{{"keyturn":"vault","format":1,"account":"{ACCOUNT}","vault":"{VAULT}","title":"Private",'
    rest = f'"created":"{MOMENT}","generation":1,"writer":"{MACHINE}","history":[],"items":{{'
    item = documents.encode_item(_item()).decode()
    return f'{head}{rest}"{ITEM}":{item}}}}}'.encode()


def _for_ssh() -> bytes:
    stanza = b"age-encryption.org/v1\n-> ssh-ed25519 %s %s\n%s\n-> x-grease y\n\n--- %s\n"
    return armor.encode(stanza % (b"A" * 6, b"A" * 43, b"A" * 43, b"A" * 43) + bytes(48))


def _ssh_key(cipher: bytes) -> bytes:
    """A private key as OpenSSH writes it, as far as it is read without its passphrase."""
    public = _strings(b"ssh-ed25519", bytes(32))
    body = b"openssh-key-v1\0" + _strings(cipher, b"bcrypt", b"") + b"\0\0\0\1" + _strings(public, CANARY)
    lines = (
        b"-----BEGIN OPENSSH PRIVATE KEY-----",
        base64.b64encode(body),
        b"-----END OPENSSH PRIVATE KEY-----",
    )
    return b"\n".join(lines) + b"\n"


def _strings(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _openers() -> list[bytes]:
    with tempfile.TemporaryDirectory() as place:
        kept = Openers(Machine(Path(place), SystemClock(), os.getuid()))
        found = []
        kinds: tuple[Opener, ...] = (
            SshOpener("/x", unprotected=True),
            PluginOpener("x", "/x", DIGEST, SECRET, silent=False),
            KeyringOpener("unix:path=/x", ITEM),
        )
        for number, opener in enumerate(kinds):
            kept.keep(ACCOUNT, f"{number}" * 64, opener)
            found.append((Path(place) / "openers" / f"{ACCOUNT}.json").read_bytes())
        return found


def _defaults(reference: ItemReference) -> list[bytes]:
    with tempfile.TemporaryDirectory() as place:
        file = DefaultsFile(Path(place) / "defaults.json")
        file.change(lambda was: defaults.with_default(was, "aws", reference))
        first = (Path(place) / "defaults.json").read_bytes()
        file.change(lambda was: defaults.with_binding(was, "aws", "dev", reference))
        file.change(lambda was: defaults.with_trusted(was, "aws", "/usr/bin/aws"))
        return [first, (Path(place) / "defaults.json").read_bytes()]


def _accounts() -> list[bytes]:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "accounts.json"
        found = []
        for number, letter in enumerate("ab"):
            Registry(path).add(Entry(letter * 26, f"Account {number}", "/x"))
            found.append(path.read_bytes())
        return found


def main() -> int:
    made = make()
    assert made.keys() == TARGETS.keys()
    for target, contents_ in made.items():
        folder = FOLDER / "seeds" / target
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for number, content in enumerate(contents_):
            (folder / str(number)).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
