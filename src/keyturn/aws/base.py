"""The keys that a profile begins with: an item's, or those that the files hold.

The order is botocore's (credentials.py, create_credential_resolver and ProfileProviderBuilder), with items
put where they belong.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keyturn.aws import delegation, process_source, provider_sources, sso_config, triples
from keyturn.aws.calls import NO_KEYS, Keys
from keyturn.aws.chain import ENVIRONMENT, has_keys, not_yet
from keyturn.aws.config import Configuration, Section, text
from keyturn.aws.endpoints import Surroundings
from keyturn.aws.labels import EXPIRES, KEY_ID, SECRET_KEY, TOKEN
from keyturn.aws.origins import Origin, Process, SsoRole
from keyturn.aws.profiles import DEFAULT
from keyturn.ground.clock import timestamp
from keyturn.ground.errors import ConfigurationError, ExpiredKeysError, NoDefaultError
from keyturn.ground.names import printable
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemReference, find_field, required_field
from keyturn.sdk.run import NeedItem, Selection

# botocore's order of the two names (EnvProvider.TOKENS).
_TOKENS = ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")


@dataclass(frozen=True)
class WebIdentity:
    """That a profile's role is assumed by the token in a file; which STS is asked, the plan decides."""

    profile: str
    token_file: str


@dataclass(frozen=True)
class Base:
    """The keys, and whose they are: `source` names the item or the file.

    `why` is for people; `notes` as in Provisioned. `item` is None for keys that are no item's. With an
    `origin` there are no keys yet: it says how temporary ones are got.
    """

    keys: Keys
    source: str
    why: str
    item: Item | None = None
    notes: tuple[str, ...] = ()
    origin: Origin | WebIdentity | None = None

    @property
    def is_temporary(self) -> bool:
        return self.origin is not None or self.keys.token is not None


@dataclass(frozen=True)
class Caller:
    """What a caller brings besides its files.

    `variables` are its own, in `directory`. `surroundings` tells its environment, directory and session from
    others'; `seconds` is how long a process of its may take.
    """

    variables: Mapping[str, str]
    directory: str
    surroundings: str = ""
    seconds: float = 60.0
    now: datetime | None = None


@dataclass(frozen=True)
class Bases:
    """What there is to begin with. `executable` is for messages."""

    configuration: Configuration
    selection: Selection
    opened: Mapping[str, Item]
    executable: str
    caller: Caller
    endpoints: tuple[str, ...] = ()

    def of_profile(self, name: str, *, is_source: bool) -> NeedItem | Base:
        """The keys of a profile, its role apart; `is_source`: a role is assumed over them.

        Raises ConfigurationError, NoDefaultError, NotYetError, ExpiredKeysError, and what the item's fields
        raise.
        """
        section, called = self.configuration.profiles.get(name, {}), _called(name)
        by_token = "web_identity_token_file" in section and "role_arn" in section
        bound = self.selection.bound.get(name)
        # What stands for a profile's own keys is not what assumes the role that is asked for.
        if bound is not None and (is_source or not by_token):
            return self._item(bound, f"bound to profile “{printable(name)}”")
        if by_token:
            return self._web_identity(name, section)
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

    def of_provider(self, name: str, provider: str) -> Base:
        """The keys for the role of a profile with this credential_source. Raises ConfigurationError."""
        why = f"credential_source {provider} of {_called(name)}"
        if provider == ENVIRONMENT:
            return Base(self._environment(name), "the caller's environment", f"the keys of {why}")
        section = self.configuration.profiles.get(name, {})
        step = provider_sources.read(name, section, provider, self.caller.variables, self.caller.directory)
        return Base(NO_KEYS, why, f"the keys of {why}", origin=step)

    def _environment(self, name: str) -> Keys:
        variables = self.caller.variables
        key_id, secret = variables.get("AWS_ACCESS_KEY_ID"), variables.get("AWS_SECRET_ACCESS_KEY")
        if not key_id or not secret:
            raise ConfigurationError(
                f"{_called(name)} takes its keys from the environment, and they are not there",
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are needed",
            )
        token = next((variables[each] for each in _TOKENS if variables.get(each)), "")
        return Keys(key_id, Secret(secret), Secret(token) if token else None)

    def _web_identity(self, name: str, section: Section) -> Base:
        written = text(section, "web_identity_token_file")
        if not written:
            raise ConfigurationError(f"{_called(name)}: web_identity_token_file is empty")
        # botocore opens it as it is written, so `~` is a name like any other.
        origin = WebIdentity(name, os.path.join(self.caller.directory, written))
        called = f"the web identity of {_called(name)}"
        return Base(NO_KEYS, called, called, origin=origin)

    def _process(self, name: str, section: Section) -> Base:
        words = delegation.split(name, text(section, delegation.PROCESS))
        marks = process_source.marks_of(self.caller.variables.get(process_source.VARIABLE, ""))
        own = process_source.mark(name, words)
        if own in marks:
            raise process_source.cycle(name)
        origin = Process(name, words, self.caller.surroundings, (*marks, own), self.caller.seconds)
        called = f"the credential_process of {_called(name)}"
        return Base(NO_KEYS, called, called, origin=origin)

    def _sso(self, name: str, section: Section) -> Base:
        surroundings = Surroundings(self.configuration, self.caller.variables, self.endpoints)
        source = sso_config.read(name, section, surroundings)
        called = f"{source.title} through {sso_config.called(source)}"
        return Base(NO_KEYS, called, called, origin=SsoRole(name, source))

    def _own(self, name: str, section: Section, *, is_source: bool) -> NeedItem | Base | None:
        """What the profile itself names; None if it names nobody."""
        called, files = _called(name), self.configuration
        if sso_config.is_named(section):
            return self._sso(name, section)
        keys = plaintext(name, files.credentials, files.places.credentials)
        if keys is not None:
            return self._plaintext(name, keys, files.places.credentials)
        if "login_session" in section:
            raise not_yet(f"{called} signs in through `aws login`")
        if delegation.PROCESS in section:
            return self._process(name, section)
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
        return Base(item_keys(item, self.caller.now), called, f"{called}, {how}", item)

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


def item_keys(item: Item, now: datetime | None = None) -> Keys:
    """The item's access keys, which are temporary if it has a session token.

    Raises MissingError with the label that is missing, ExpiredKeysError if they ended before `now`, and
    ConfigurationError for an end that is no moment.
    """
    key_id, secret = required_field(item, KEY_ID).value.reveal(), required_field(item, SECRET_KEY).value
    token, end = find_field(item, TOKEN), find_field(item, EXPIRES)
    if token is None or not token.value:
        return Keys(key_id, secret)
    expires = None
    if end is not None and end.value:
        expires = triples.moment(end.value.reveal())
        if expires is None:
            raise ConfigurationError(
                f"item “{printable(item.title)}”: “{EXPIRES}” is no moment",
                "as AWS writes it: 2026-01-31T12:00:00Z",
            )
        if now is not None and expires <= now:
            raise ExpiredKeysError(
                f"the temporary keys of item “{printable(item.title)}” have expired, at {timestamp(expires)}",
                "bring new ones: keyturn aws import --paste",
            )
    return Keys(key_id, secret, token.value, expires)


def _called(name: str) -> str:
    return f"profile “{printable(name)}”"
