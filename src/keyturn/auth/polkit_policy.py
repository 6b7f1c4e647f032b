"""The policy file that makes our action known to polkit (polkit(8), “Declaring Actions”)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, unescape

from keyturn.auth.polkit_authority import ACTION

# polkit 122 reads actions from its share directory alone; 126 also from /etc and /run, and still from there.
# So this one place fits every version.
DIRECTORY = Path("/usr/share/polkit-1/actions")
FILE = DIRECTORY / f"{ACTION}.policy"

# auth_self: the person, with the person's own fingerprint or password, each time. Not auth_self_keep: how
# long an approval lasts is Keyturn's to say, and a yes that polkit kept would let in a program that nobody
# was asked about. The same for every kind of session, for over ssh it is the person's own as well.
_TEMPLATE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/PolicyKit/1/policyconfig.dtd">
<!-- Written by: keyturn system-auth install. Taken away by: keyturn system-auth remove -->
<policyconfig>
  <vendor>Keyturn</vendor>
  <action id="{action}">
    <description>Let a command use credentials</description>
    <message>Keyturn asks whether a command may use your credentials</message>
    <icon_name>dialog-password</icon_name>
    <defaults>
      <allow_any>auth_self</allow_any>
      <allow_inactive>auth_self</allow_inactive>
      <allow_active>auth_self</allow_active>
    </defaults>
{owners}  </action>
</policyconfig>
"""

# polkit shows a text of ours in its dialog only for an owner of the action (or for root).
_OWNERS = """\
    <annotate key="org.freedesktop.policykit.owner">{users}</annotate>
"""


def owners(text: str) -> list[str]:
    """The users for whom a file was written that `content` made; none for any other text."""
    found = re.search(r'<annotate key="org\.freedesktop\.policykit\.owner">([^<]*)</annotate>', text)
    words = unescape(found[1]).split() if found else []
    return [word.removeprefix("unix-user:") for word in words if word.startswith("unix-user:")]


def content(users: Sequence[str]) -> str:
    """The file; for `users`, the dialog names program, item and directory."""
    named = " ".join(f"unix-user:{escape(user)}" for user in users)
    return _TEMPLATE.format(action=ACTION, owners=_OWNERS.format(users=named) if named else "")
