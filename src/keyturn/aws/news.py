"""A word about plaintext keys that lie in the credentials file, for a person to hear once."""

from __future__ import annotations

from keyturn.aws.base import Base, import_command
from keyturn.aws.config import Configuration, text
from keyturn.aws.lasting import digest_of
from keyturn.ground.names import printable
from keyturn.sdk.run import Selection

_NAMED = 3


def of_plaintext(name: str, base: Base, configuration: Configuration, selection: Selection) -> dict[str, str]:
    """Lines about keys that are not those in use, by a digest of what they are about.

    One is for the profile `name`, another for all other profiles together. Those with an item bound to
    them are not spoken of until they are used; nor are temporary keys, which come and go. Nothing is said
    where plaintext is used: a note says so already.
    """
    if base.item is None:
        return {}
    file, found = configuration.places.credentials, {}
    own = _own(name, configuration)
    if own and own != base.keys.key_id:
        found[f"aws-plaintext-{digest_of(name, own)}"] = (
            f"profile “{printable(name)}” has other keys in {file}; {base.source} is used;"
            f" to import them: {import_command(name)}"
        )
    first, count, digest = configuration.lasting.others({name, *selection.bound}, base.keys.key_id, _NAMED)
    if count:
        told = ", ".join(f"“{printable(each)}”" for each in first)
        more = f" and {count - len(first)} more" if count > len(first) else ""
        found[f"aws-plaintext-{digest}"] = (
            f"plaintext keys of profile{'s' if count > 1 else ''} {told}{more} are in {file};"
            f" to import them: {import_command(first[0])}"
        )
    return found


def _own(name: str, configuration: Configuration) -> str:
    """The id of the profile's own lasting keys, of either file."""
    if name in configuration.lasting.by_profile:
        return configuration.lasting.by_profile[name]
    section = configuration.config.get(name, {})
    return text(section, "aws_access_key_id") if text(section, "aws_secret_access_key") else ""
