"""What every command says that hands on a profile's credentials, and the forms that they can take."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from keyturn.agent import messages, requests
from keyturn.agent.aws_messages import AwsEnvironment
from keyturn.catalogue import loader
from keyturn.cli.context import Context
from keyturn.cli.output import note
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from keyturn.sdk import environments

PLUGIN = "aws"
KEY_ID, SECRET, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
EXPIRES = "AWS_CREDENTIAL_EXPIRATION"
PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_OVERRIDES = (b"KEYTURN_ITEM", b"KEYTURN_ACCOUNT")
# Every reader of .env files takes this as it stands. Keys, tokens and moments are no more than that.
_PLAIN = re.compile(r"(?:[A-Za-z0-9+/._:-][A-Za-z0-9+/._:=-]*)?")
# Within single quotes: what ends them or escapes, and what python-dotenv and dotenv-expand put variables for.
_NOT_IN_DOTENV = frozenset("'\\$")


@dataclass(frozen=True)
class Given:
    """Variables to set, by name, and those to remove that are not set."""

    assign: Mapping[str, Secret]
    remove: tuple[str, ...]


def ask(
    context: Context, verb: str, profile: str | None, executable: str = PLUGIN, program: str = ""
) -> Given:
    """The environment of a program that is to act as `profile`, or as the caller's variables say.

    `verb` is the command of `keyturn aws` that asks, for the person who may be asked. What that person should
    know goes to stderr. Raises what the agent raises.
    """
    plugin, variables = loader.load(PLUGIN), context.world.variables
    request = requests.ProvideAws(
        account=context.account,
        may_ask=context.may_ask,
        has_browser=context.has_browser,
        verb=verb,
        executable=executable,
        program=program,
        profile=os.fsencode(profile or ""),
        environment=[
            name + b"=" + value
            for name, value in variables.items()
            if plugin.reads_variable(name) or name in _OVERRIDES
        ],
        surroundings=environments.digest(name + b"=" + value for name, value in variables.items()),
    )
    found = messages.convert(context.call(request, may_execute=True), AwsEnvironment)
    for line in found.notes:
        note(f"keyturn: {line}")
    return Given(found.assign, tuple(name for name in found.remove if name not in found.assign))


def bytes_of(value: Secret) -> bytes:
    """A value as it goes into an environment."""
    return value.reveal().encode("latin-1")


def text_of(name: str, value: Secret) -> str:
    """A value as text. Raises ConfigurationError for one that is none."""
    try:
        return bytes_of(value).decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name} would hold what is no text") from None


def process_json(given: Given) -> str:
    """What a credential_process prints: “Sourcing credentials with an external process”, AWS SDKs' guide."""
    document = {
        "Version": 1,
        "AccessKeyId": text_of(KEY_ID, given.assign[KEY_ID]),
        "SecretAccessKey": text_of(SECRET, given.assign[SECRET]),
    }
    for name, key in ((TOKEN, "SessionToken"), (EXPIRES, "Expiration")):
        if name in given.assign:
            document[key] = text_of(name, given.assign[name])
    return json.dumps(document)


def posix(given: Given) -> str:
    """For `eval` in sh, bash, zsh and their like."""
    lines = [f"export {name}={_posix(text)}" for name, text in _texts(given)]
    return "\n".join([*lines, f"unset {' '.join(given.remove)}"] if given.remove else lines)


def fish(given: Given) -> str:
    """For `source` in fish."""
    lines = [f"set -gx {name} {_fish(text)}" for name, text in _texts(given)]
    return "\n".join([*lines, *(f"set -e {name}" for name in given.remove)])


def powershell(given: Given) -> str:
    """For `Invoke-Expression` in PowerShell."""
    lines = [f"$Env:{name} = {_powershell(text)}" for name, text in _texts(given)]
    gone = [f"Remove-Item Env:{name} -ErrorAction SilentlyContinue" for name in given.remove]
    return "\n".join([*lines, *gone])


def dotenv(given: Given) -> str:
    """For a `.env` file. Raises ConfigurationError for a value that its readers would not agree on.

    There are quotes only where they are needed: `docker run --env-file` takes them for a part of the value.
    """
    lines = []
    for name, text in _texts(given):
        if not text.isprintable() or _NOT_IN_DOTENV.intersection(text):
            raise ConfigurationError(
                f"{name} holds what the readers of .env files would not agree on",
                "other programs take it by --format json, or by: keyturn aws exec -- COMMAND",
            )
        lines.append(f"{name}={text}" if _PLAIN.fullmatch(text) else f"{name}='{text}'")
    return "\n".join(lines)


FORMS = {"env": posix, "fish": fish, "powershell": powershell, "dotenv": dotenv, "json": process_json}


def _texts(given: Given) -> list[tuple[str, str]]:
    return [(name, text_of(name, value)) for name, value in sorted(given.assign.items())]


def _posix(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    """Within single quotes only these two are special (fish, “Quotes”)."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(text: str) -> str:
    """Typographic quotes end a string as well (about_Quoting_Rules); each of them doubled is itself."""
    for quote in ("'", "\u2018", "\u2019", "\u201a", "\u201b"):
        text = text.replace(quote, quote * 2)
    return f"'{text}'"
