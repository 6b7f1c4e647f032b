"""Which profile a command uses, and why."""

from __future__ import annotations

import glob
import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache

from keyturn.ground.files import FileIdentity
from keyturn.ground.resolution import Resolution
from keyturn.sdk.argv import take_option
from keyturn.sdk.run import Invocation
from keyturn.sdk.schema import Executable

DEFAULT = "default"


@dataclass(frozen=True)
class ProfileChoice:
    """The profile, the arguments without the option that named it, and what else is worth saying."""

    profile: Resolution[str]
    arguments: tuple[bytes, ...]
    reasons: tuple[str, ...] = ()


def choose(invocation: Invocation, executable: Executable) -> ProfileChoice:
    """The profile of the option, else of the variables in the executable's order, else `default`.

    An empty variable counts as not set. Raises UsageError for the option without its value.
    """
    words = executable.profile
    if words is None:
        return ProfileChoice(Resolution(DEFAULT, "no profile is named"), invocation.arguments)
    named, arguments = None, invocation.arguments
    if words.option:
        named, arguments = take_option(invocation.arguments, executable.options, words.option)
    if named is not None:
        profile = named.decode("utf-8", "surrogateescape")
        return ProfileChoice(Resolution(profile, words.option), arguments)
    values = {name: invocation.variable(name) for name in words.variables}
    named_in = {name: value for name, value in values.items() if value}
    if not named_in:
        return ProfileChoice(Resolution(DEFAULT, "no profile is named"), arguments)
    order, reasons = words.variables, []
    if len(set(named_in.values())) > 1:
        # Only now does the version matter, so only now is it looked for.
        version = major_version(invocation.path, words.distribution)
        order = words.variables_by_version.get(version, words.variables)
        told = f"version {version}" if version else "of unknown version"
        reasons.append(f"{' and '.join(named_in)} differ; {executable.runs} ({told}) takes {order[0]} first")
    chosen = next(name for name in order if values[name])
    return ProfileChoice(Resolution(values[chosen], chosen), arguments, tuple(reasons))


def major_version(path: bytes, distribution: str) -> str:
    """The major version of the program at `path`, from where it is installed; "" if that does not tell.

    The program is not run. An installer's path names it (`…/aws-cli/v2/…`, `…/Cellar/awscli/2.…`);
    a Python script's interpreter has the Python distribution beside it.
    """
    try:
        real = os.path.realpath(path)
        found = os.stat(real)
    except OSError:
        return ""
    return _version(real, FileIdentity.of(found), distribution) if stat.S_ISREG(found.st_mode) else ""


@lru_cache(maxsize=64)
def _version(real: bytes, identity: FileIdentity, distribution: str) -> str:
    return _from_path(real, distribution) or _from_script(real, distribution)


def _from_path(real: bytes, distribution: str) -> str:
    name = re.escape(distribution.encode())
    found = re.search(rb"/aws-cli/v(\d+)/|/Cellar/" + name + rb"/(\d+)\.", real)
    return (found[1] or found[2]).decode() if found else ""


def _from_script(real: bytes, distribution: str) -> str:
    try:
        with open(real, "rb") as stream:
            first = stream.readline(512)
    except OSError:
        return ""
    if not first.startswith(b"#!"):
        return ""
    words = first[2:].split()
    # Not resolved: a virtual environment's interpreter is a link out of it.
    prefixes = {os.path.dirname(os.path.dirname(real))}
    if words and words[0].startswith(b"/") and not words[0].endswith(b"/env"):
        prefixes.add(os.path.dirname(os.path.dirname(words[0])))
    found: set[str] = set()
    for prefix in prefixes:
        for libraries in ("lib/python3*/site-packages", "lib/python3*/dist-packages"):
            for suffix in ("dist-info", "egg-info"):
                pattern = os.path.join(
                    glob.escape(os.fsdecode(prefix)), libraries, f"{distribution}-*.{suffix}"
                )
                for match in glob.iglob(pattern):
                    version = os.path.basename(match)[len(distribution) + 1 :]
                    found.add(version.partition(".")[0])
    # Two versions beside one interpreter: it cannot be told which one runs.
    return found.pop() if len(found) == 1 else ""
