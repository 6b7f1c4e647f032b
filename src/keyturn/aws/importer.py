"""Candidates in the AWS files: the static keys of each profile of the shared credentials file."""

from __future__ import annotations

from collections.abc import Mapping

from keyturn.aws.config import ConfigurationCache, Section, text
from keyturn.aws.labels import KEY_ID, REGION, SECRET_KEY
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.sdk.importers import Candidate, FilePlace, Findings, Rejected, why_refused
from keyturn.sdk.schema import Plugin

_LABELS = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET_KEY}
_TOKENS = ("aws_session_token", "aws_security_token")


def from_files(
    plugin: Plugin,
    environment: Mapping[str, str],
    directory: str,
    cache: ConfigurationCache | None = None,
) -> Findings:
    """Every profile with a full pair of lasting keys, with its region; the others with the reason.

    Raises ConfigurationError for a file that cannot be read or parsed.
    """
    if not any(importer.hook == "aws-files" for importer in plugin.importers):
        return Findings()
    configuration = (cache or ConfigurationCache()).load(environment, directory)
    path = configuration.places.credentials
    if path is None:
        return Findings()
    found = Findings()
    for profile, section in configuration.credentials.items():
        region = text(configuration.profiles.get(profile, {}), "region")
        found += _from_section(plugin, FilePlace(path, profile), section, region)
    return found


def _from_section(plugin: Plugin, place: FilePlace, section: Section, region: str) -> Findings:
    source = f"profile “{printable(place.profile)}” in {place.path}"
    values = {label: Secret(text(section, key)) for key, label in _LABELS.items() if text(section, key)}
    if not values:
        # A role or a region, no keys: nothing to speak of.
        return Findings()
    missing = [key for key, label in _LABELS.items() if label not in values]
    if missing:
        return Findings(rejected=(Rejected(source, f"{missing[0]} is missing"),))
    token = next((key for key in _TOKENS if text(section, key)), None)
    reason = f"temporary: it has an {token}" if token else why_refused(plugin.credential, values)
    if reason:
        return Findings(rejected=(Rejected(source, reason),))
    if region:
        values[REGION] = Secret(region)
    return Findings((Candidate(source, place.profile, values, place),))
