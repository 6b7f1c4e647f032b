"""A PAM service of our own: the stack that the machine's other services use, under our name."""

from __future__ import annotations

from pathlib import Path

from keyturn.auth.pam import DIRECTORIES

MARK = "# Written by: keyturn system-auth install --pam"

_TEMPLATE = """\
#%PAM-1.0
{mark}
# Taken away by: keyturn system-auth remove
#
# What `pam` in Keyturn's setting authentication.order asks: the same as the machine's other services. Change
# it as you like, but let every yes need an act of the person: a yes that asks nothing is not taken.
auth     include  {auth}
account  include  {account}
"""

# Debian and SUSE; Fedora and Arch.
_STACKS = (("common-auth", "common-account"), ("system-auth", "system-auth"))


def content(directories: tuple[Path, ...] = DIRECTORIES) -> str:
    """The file, for the stacks of this machine. Empty if none of those known is there."""
    for auth, account in _STACKS:
        if all(any((each / name).is_file() for each in directories) for name in (auth, account)):
            return _TEMPLATE.format(mark=MARK, auth=auth, account=account)
    return ""
