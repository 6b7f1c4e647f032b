"""The ways in which a person may agree, in the order of the settings."""

from __future__ import annotations

from collections.abc import Sequence

from keyturn.auth.pam import Helper, Pam
from keyturn.auth.polkit import Polkit
from keyturn.auth.protocol import Authenticator
from keyturn.auth.touch_id import TouchId
from keyturn.ground.settings import Settings


def ordered(
    settings: Settings, lines: Sequence[str], helper: Helper, own: Sequence[Authenticator]
) -> list[Authenticator]:
    """One of each that the setting `authentication.order` names; whether it is usable here is its to say.

    `lines` say what the person is to agree to, for dialogs; `helper` is `Helpers.work`; `own` are the
    account's: its password and the touch of its key. Names are checked when the settings are read.
    """
    seconds = float(settings.prompt.timeout_seconds)
    made: dict[str, Authenticator] = {
        "touch-id": TouchId(helper, lines, seconds),
        "polkit": Polkit(lines, seconds),
        "pam": Pam(helper, settings.authentication.pam_service, seconds),
    }
    made |= {each.name: each for each in own}
    return [made[name] for name in settings.authentication.order if name in made]
