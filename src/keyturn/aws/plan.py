"""Whose keys a command gets: a pure decision over profile, files and items.

Identity first: a command never runs as somebody else than its profile names. What would need a call
that is not built yet ends in an error that says so; nothing falls through to other keys. The order of
the cases is botocore's (credentials.py, create_credential_resolver), with items put where they belong.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from keyturn.aws.chain import source_chain
from keyturn.aws.config import Configuration, Section, text
from keyturn.aws.profiles import DEFAULT
from keyturn.ground.errors import ConfigurationError, NoDefaultError, NotYetError
from keyturn.ground.names import printable
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemReference, find_field, required_field
from keyturn.sdk.run import NeedItem, Selection

KEY_ID, SECRET_KEY = "access key id", "secret access key"
REGION, CODE, SERIAL = "default region", "one-time password", "mfa serial"

_SSO_ROLE = ("sso_account_id", "sso_role_name")
_SSO_ANY = ("sso_session", "sso_start_url", *_SSO_ROLE)


@dataclass(frozen=True)
class Keys:
    """Access keys. `token` is there if they are temporary."""

    key_id: str
    secret: Secret
    token: Secret | None = None


@dataclass(frozen=True)
class Plan:
    """What to use. `region` is the profile's or the item's; `reasons` and `notes` as in Provisioned."""

    keys: Keys
    region: Resolution[str] | None
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Plaintext:
    keys: Keys
    file: str


def plan(
    profile: Resolution[str],
    configuration: Configuration,
    selection: Selection,
    opened: Mapping[str, Item],
    executable: str = "aws",
) -> NeedItem | Plan:
    """The plan for `profile`, or the item that has to be opened first. `executable` is for messages.

    Raises NotYetError for a plan that needs a call; ConfigurationError for a profile that nothing
    knows and for files that contradict themselves; NoDefaultError if no item is chosen and there is
    nothing else.
    """
    name = profile.value
    bound = selection.bound.get(name)
    section = configuration.profiles.get(name)
    if section is None and bound is None and name != DEFAULT:
        raise unknown_profile(name, configuration, selection)
    case = _Case(name, section or {}, configuration, selection, opened, _profile_reason(profile), executable)
    if "role_arn" in case.section:
        raise case.role(bound)
    if bound is not None:
        return case.with_item(bound, f"bound to profile “{printable(name)}”")
    if name == DEFAULT and selection.selected is not None:
        return case.with_item(selection.selected, "")
    if text(case.section, "web_identity_token_file"):
        raise ConfigurationError(f"{case.called} has web_identity_token_file but no role_arn")
    return case.from_files_or_selected()


def unknown_profile(name: str, configuration: Configuration, selection: Selection) -> ConfigurationError:
    """The error for a profile that neither the files nor an item knows, with the names nearest to it."""
    known = sorted({*configuration.profiles, *selection.bound})
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    named = ", ".join(f"“{printable(each)}”" for each in near or known[:8])
    hint = f"did you mean {named}?" if near else f"profiles: {named or 'none'}"
    return ConfigurationError(
        f"profile “{printable(name)}” is not in the AWS files, and no item is bound to it", hint
    )


@dataclass(frozen=True)
class _Case:
    name: str
    section: Section
    configuration: Configuration
    selection: Selection
    opened: Mapping[str, Item]
    reason: str
    executable: str

    @property
    def called(self) -> str:
        return f"profile “{printable(self.name)}”"

    def role(self, bound: Resolution[ItemReference] | None) -> ConfigurationError:
        """The error for a profile with a role: what is wrong with its chain, else that roles are not yet."""
        if text(self.section, "web_identity_token_file"):
            return self.not_yet("assumes a role with a web identity")
        chain = source_chain(self.name, self.configuration.profiles, frozenset(self.selection.bound))
        via = " → ".join(f"“{printable(hop)}”" for hop in chain[1:])
        if via and chain != (self.name, self.name):
            return self.not_yet(f"assumes a role (over {via})")
        return self.not_yet("assumes a role")

    def from_files_or_selected(self) -> NeedItem | Plan:
        """A profile without role and bound item; `default` comes here only if nothing is selected."""
        files = self.configuration
        has_keys = "aws_access_key_id" in self.section
        if any(key in self.section for key in _SSO_ROLE) or (
            any(key in self.section for key in _SSO_ANY) and not has_keys
        ):
            raise self.not_yet("signs in through IAM Identity Center")
        own = self.plaintext(files.credentials, files.places.credentials)
        if own is not None:
            return self.with_plaintext(own)
        if "login_session" in self.section:
            raise self.not_yet("signs in through `aws login`")
        if "credential_process" in self.section:
            raise self.not_yet("asks a credential_process")
        own = self.plaintext(files.config, files.places.config)
        if own is not None:
            return self.with_plaintext(own)
        if self.selection.selected is not None:
            return self.with_item(self.selection.selected, "")
        raise NoDefaultError(
            f"no item is chosen for {self.executable}, and {self.called} has no keys",
            f"choose one: keyturn plugin init {self.executable}",
        )

    def not_yet(self, what: str) -> NotYetError:
        return NotYetError(
            f"{self.called} {what}: Keyturn does not do that yet, and uses no other keys instead",
            "to run it without Keyturn: command aws …",
        )

    def with_item(self, chosen: Resolution[ItemReference], how: str) -> NeedItem | Plan:
        """The item's keys as they are."""
        item = self.opened.get(chosen.value.item)
        if item is None:
            return NeedItem(chosen)
        self.refuse_mfa(item)
        keys = item_keys(item)
        title = printable(item.title)
        notes = []
        code = find_field(item, CODE)
        if code is not None and code.value:
            notes.append(
                f"item “{title}” has a “{CODE}” but no “{SERIAL}”, so no code is used;"
                f" add it: keyturn item edit {item.id} '{SERIAL}=arn:aws:iam::…'"
            )
        other = self.default_plaintext()
        if other is not None and other.keys.key_id != keys.key_id:
            notes.append(f"{self.called} has other keys in {other.file}; item “{title}” is used")
        why = f"{self.reason}: item “{title}”, {how or chosen.source}"
        region = self.region() or _item_region(item)
        return Plan(keys, region, (why,), tuple(notes))

    def with_plaintext(self, found: _Plaintext) -> NeedItem | Plan:
        """The profile's own keys; the selected item if it holds the same."""
        selected = self.selection.selected
        if selected is not None:
            item = self.opened.get(selected.value.item)
            if item is None:
                return NeedItem(selected)
            field = find_field(item, KEY_ID)
            if field is not None and field.value.reveal() == found.keys.key_id:
                return self.with_item(selected, "which has the same keys as the file")
        if found.keys.token is None:
            self.refuse_mfa(None)
        note = f"{self.called} uses plaintext keys from {found.file}"
        if found.keys.token is None:
            quoted = shlex.quote(printable(self.name))
            note += f"; to import and bind them: keyturn plugin init aws --import-profile {quoted}"
        else:
            note += " (temporary ones)"
        why = f"{self.reason}: its own keys in {found.file}"
        return Plan(found.keys, self.region(), (why,), (note,))

    def refuse_mfa(self, item: Item | None) -> None:
        """Keys without their MFA would be another permission than is configured; with it a call is needed."""
        field = None if item is None else find_field(item, SERIAL)
        if text(self.section, "mfa_serial") or (field is not None and field.value):
            raise self.not_yet("needs a multi-factor code")

    def default_plaintext(self) -> _Plaintext | None:
        """Keys of `default` in the files, for a word about them; what is incomplete is not worth one."""
        if self.name != DEFAULT:
            return None
        places = self.configuration.places
        try:
            return self.plaintext(self.configuration.credentials, places.credentials) or self.plaintext(
                self.configuration.config, places.config
            )
        except ConfigurationError:
            return None

    def plaintext(self, sections: Mapping[str, Section], path: object) -> _Plaintext | None:
        """The profile's static keys in one file. Raises ConfigurationError for half a pair, as botocore."""
        section = sections.get(self.name, {})
        if "aws_access_key_id" not in section:
            return None
        key_id, secret = text(section, "aws_access_key_id"), text(section, "aws_secret_access_key")
        if not key_id or not secret:
            raise ConfigurationError(
                f"{self.called} has no complete pair of keys in {path}",
                "aws_access_key_id and aws_secret_access_key are needed",
            )
        # botocore's order of the two names (SharedCredentialProvider.TOKENS).
        token = text(section, "aws_security_token") or text(section, "aws_session_token")
        return _Plaintext(Keys(key_id, Secret(secret), Secret(token) if token else None), str(path))

    def region(self) -> Resolution[str] | None:
        region = text(self.section, "region")
        return Resolution(region, f"region of {self.called}") if region else None


def item_keys(item: Item) -> Keys:
    """The item's access keys. Raises MissingError with the label that is missing."""
    return Keys(required_field(item, KEY_ID).value.reveal(), required_field(item, SECRET_KEY).value)


def _item_region(item: Item) -> Resolution[str] | None:
    field = find_field(item, REGION)
    if field is None or not field.value:
        return None
    return Resolution(field.value.reveal(), f"“{REGION}” of item “{printable(item.title)}”")


def _profile_reason(profile: Resolution[str]) -> str:
    return f"profile “{printable(profile.value)}” ({profile.source})"
