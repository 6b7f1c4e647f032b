"""The keys that a profile begins with: an item's, or those that the files hold.

The order is botocore's (credentials.py, create_credential_resolver and ProfileProviderBuilder), with items
put where they belong.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from keyturn.aws.calls import Keys
from keyturn.aws.chain import has_keys, not_yet
from keyturn.aws.config import Configuration, Section, text
from keyturn.aws.labels import KEY_ID, SECRET_KEY
from keyturn.aws.profiles import DEFAULT
from keyturn.ground.errors import ConfigurationError, NoDefaultError
from keyturn.ground.names import printable
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemReference, find_field, required_field
from keyturn.sdk.run import NeedItem, Selection

_SSO_ROLE = ("sso_account_id", "sso_role_name")
_SSO_ANY = ("sso_session", "sso_start_url", *_SSO_ROLE)


@dataclass(frozen=True)
class Base:
    """The keys, and whose they are: `source` names the item or the file.

    `why` is for people; `notes` as in Provisioned. `item` is None for keys of the files.
    """

    keys: Keys
    source: str
    why: str
    item: Item | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bases:
    """What there is to begin with. `executable` is for messages."""

    configuration: Configuration
    selection: Selection
    opened: Mapping[str, Item]
    executable: str

    def of_profile(self, name: str, *, is_source: bool) -> NeedItem | Base:
        """The keys of a profile, its role apart; `is_source`: a role is assumed over them.

        Raises ConfigurationError, NoDefaultError, NotYetError, and what the item's fields raise.
        """
        section, called = self.configuration.profiles.get(name, {}), _called(name)
        by_token = "web_identity_token_file" in section and "role_arn" in section
        bound = self.selection.bound.get(name)
        # What stands for a profile's own keys is not what assumes the role that is asked for.
        if bound is not None and (is_source or not by_token):
            return self._item(bound, f"bound to profile “{printable(name)}”")
        if by_token:
            raise not_yet(f"{called} assumes a role with a web identity")
        selected = self.selection.selected
        if name == DEFAULT and not is_source and selected is not None:
            # Who chose an item for this executable gets it.
            return self._item(selected, selected.source)
        if text(section, "web_identity_token_file"):
            raise ConfigurationError(f"{called} has web_identity_token_file but no role_arn")
        return self._own(name, section, is_source=is_source) or self.selected(name)

    def of_role(self, name: str) -> NeedItem | Base:
        """The keys for a role that names none: an item's."""
        bound = self.selection.bound.get(name)
        if bound is not None:
            return self._item(bound, f"bound to profile “{printable(name)}”")
        return self.selected(name)

    def selected(self, name: str) -> NeedItem | Base:
        """The selected item's, for a profile that has none of its own."""
        selected = self.selection.selected
        if selected is not None:
            return self._item(selected, selected.source)
        raise NoDefaultError(
            f"no item is chosen for {self.executable}, and {_called(name)} has no keys",
            f"choose one: keyturn plugin init {self.executable}",
        )

    def _own(self, name: str, section: Section, *, is_source: bool) -> NeedItem | Base | None:
        """What the profile itself names; None if it names nobody."""
        called, files = _called(name), self.configuration
        if any(key in section for key in _SSO_ROLE) or (
            any(key in section for key in _SSO_ANY) and "aws_access_key_id" not in section
        ):
            raise not_yet(f"{called} signs in through IAM Identity Center")
        keys = plaintext(name, files.credentials, files.places.credentials)
        if keys is not None:
            return self._plaintext(name, keys, files.places.credentials)
        if "login_session" in section:
            raise not_yet(f"{called} signs in through `aws login`")
        if "credential_process" in section:
            raise not_yet(f"{called} asks a credential_process")
        keys = plaintext(name, files.config, files.places.config)
        if keys is not None:
            return self._plaintext(name, keys, files.places.config)
        if is_source and has_keys(section):
            # botocore takes it for keys and then fails: they are not to be replaced by others.
            raise ConfigurationError(
                f"{called} has no complete pair of keys", "aws_access_key_id is needed as well"
            )
        return None

    def _item(self, chosen: Resolution[ItemReference], how: str) -> NeedItem | Base:
        item = self.opened.get(chosen.value.item)
        if item is None:
            return NeedItem(chosen)
        called = f"item “{printable(item.title)}”"
        return Base(item_keys(item), called, f"{called}, {how}", item)

    def _plaintext(self, name: str, keys: Keys, path: object) -> NeedItem | Base:
        """The profile's own keys; the selected item if it holds the same."""
        selected = self.selection.selected
        if selected is not None and keys.token is None:
            item = self.opened.get(selected.value.item)
            if item is None:
                return NeedItem(selected)
            field = find_field(item, KEY_ID)
            if field is not None and field.value.reveal() == keys.key_id:
                return self._item(selected, f"which has the keys of {_called(name)} in {path}")
        note = f"{_called(name)} uses plaintext keys from {path}"
        if keys.token is None:
            note += f"; to import and bind them: {import_command(name)}"
        else:
            note += " (temporary ones)"
        source = f"{_called(name)} in {path}"
        return Base(keys, source, f"the keys of {source}", notes=(note,))


def plaintext(name: str, sections: Mapping[str, Section], path: object) -> Keys | None:
    """A profile's static keys in one file. Raises ConfigurationError for half a pair, as botocore."""
    section = sections.get(name, {})
    if "aws_access_key_id" not in section:
        return None
    key_id, secret = text(section, "aws_access_key_id"), text(section, "aws_secret_access_key")
    if not key_id or not secret:
        raise ConfigurationError(
            f"{_called(name)} has no complete pair of keys in {path}",
            "aws_access_key_id and aws_secret_access_key are needed",
        )
    # botocore's order of the two names (SharedCredentialProvider.TOKENS).
    token = text(section, "aws_security_token") or text(section, "aws_session_token")
    return Keys(key_id, Secret(secret), Secret(token) if token else None)


def import_command(name: str) -> str:
    """What imports a profile's keys: as the default of `aws`, or bound to a profile that has a name."""
    quoted = shlex.quote(printable(name))
    binding = "" if name == DEFAULT else f" --profile {quoted}"
    return f"keyturn plugin init aws --import-profile {quoted}{binding}"


def item_keys(item: Item) -> Keys:
    """The item's access keys. Raises MissingError with the label that is missing."""
    return Keys(required_field(item, KEY_ID).value.reveal(), required_field(item, SECRET_KEY).value)


def _called(name: str) -> str:
    return f"profile “{printable(name)}”"
