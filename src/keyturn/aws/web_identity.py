"""The token of a web identity: a file that something else writes anew, a cluster or a CI system say."""

from __future__ import annotations

import os
from pathlib import Path

from keyturn.aws.config import opened
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret

# AssumeRoleWithWebIdentity's own limits (its model, service-2.json).
SHORTEST, LONGEST = 4, 20000


def read_token(path: str, profile: str) -> Secret:
    """The token in a file, for `profile`. Blocks.

    Raises ConfigurationError, which holds nothing of the file, for one that is not there, is not to be read
    or holds no token. A link to the file is fine: that is how a cluster replaces it.
    """
    called = f"the web identity token of profile “{printable(profile)}”"
    shown = printable(path, 300)
    try:
        with opened(Path(path)) as (descriptor, _):
            content = os.pread(descriptor, LONGEST + 2, 0)
    except FileNotFoundError:
        raise ConfigurationError(
            f"{called} is not there: {shown}", "web_identity_token_file names it in the profile"
        ) from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{called}: {error.message}", *error.hints) from None
    token = content.decode("ascii", "replace").strip()
    is_token = token.isprintable() and token.isascii() and " " not in token
    if not is_token or not SHORTEST <= len(token) <= LONGEST:
        raise ConfigurationError(
            f"{called} is none: what is in {shown} is empty, too long, or no text in one line",
            "it is a JSON web token, which something writes there and renews",
        )
    return Secret(token)
