"""Faults to plant in a set-up that is in order, each with the name by which `keyturn doctor` finds it."""

import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keyturn.shells import plugins_sh
from tests.programs.shimmed import script, shims
from tests.programs.user import User


@dataclass
class Case:
    """A set-up, on a system of its own below `root`, and what is told to `doctor` by variables."""

    user: User
    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    def doctor(self, *more: str) -> tuple[int, dict[str, Any]]:
        words = ["doctor", "--root", str(self.root), "--format", "json", *more]
        done = self.user.keyturn(*words, variables=self.variables)
        assert not done.errors, done.errors
        found = json.loads(done.output)
        assert found["version"] == 1
        report: dict[str, Any] = found["doctor"]
        return done.status, report

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def configuration_open(case: Case) -> None:
    case.user.config.chmod(0o755)


def data_link(case: Case) -> None:
    case.user.data.rename(case.user.home / "elsewhere")
    case.user.data.symlink_to(case.user.home / "elsewhere")


def runtime_open(case: Case) -> None:
    (case.user.runtime / "keyturn").mkdir(mode=0o777)
    (case.user.runtime / "keyturn").chmod(0o777)


def file_open(case: Case) -> None:
    (case.user.config / "plugins.sh").chmod(0o666)


def settings_damaged(case: Case) -> None:
    (case.user.config / "settings.toml").write_text("[approval]\nidle_minutes = 'ten'\n")


def defaults_damaged(case: Case) -> None:
    (case.user.config / "defaults.json").write_text("{")


def accounts_damaged(case: Case) -> None:
    (case.user.config / "accounts.json").write_text("[]")


def account_missing(case: Case) -> None:
    shutil.rmtree(case.user.home / "accounts/Test")


def two_configurations(case: Case) -> None:
    other = case.user.home / "other/keyturn"
    other.mkdir(parents=True)
    (other / "settings.toml").write_text("")
    case.variables |= {"XDG_CONFIG_HOME": str(other.parent), "KEYTURN_CONFIG_DIR": str(case.user.config)}


def plaintext_left(case: Case) -> None:
    case.user.aws_files(
        "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMIEXAMPLE\n"
    )


def executable_open(case: Case) -> None:
    (case.user.home / "tools").chmod(0o777)


def executable_missing(case: Case) -> None:
    shutil.rmtree(case.user.home / "tools")
    case.variables["PATH"] = str(shims(case.user))


def path_relative(case: Case) -> None:
    case.variables["PATH"] = case.user.environment["PATH"] + ":./bin"


def sourced_file_missing(case: Case) -> None:
    (case.user.config / "plugins.sh").unlink()


def wrappers_stale(case: Case) -> None:
    case.variables[plugins_sh.HASH_VARIABLE] = "0123456789abcdef"


def wrappers_not_sourced(case: Case) -> None:
    (case.user.home / ".bashrc").write_text("")
    case.variables[plugins_sh.HASH_VARIABLE] = ""


def not_sourced_here(case: Case) -> None:
    case.variables[plugins_sh.HASH_VARIABLE] = ""


def shell_unknown(case: Case) -> None:
    case.variables["SHELL"] = ""


def launcher_missing(case: Case) -> None:
    (case.user.data / "launcher.py").unlink()


def launcher_stale(case: Case) -> None:
    (case.user.data / "launcher").write_text("old")


def shim_foreign(case: Case) -> None:
    script(shims(case.user) / "sam", "#!/bin/sh\n")


def shim_broken(case: Case) -> None:
    path = shims(case.user) / "aws"
    path.write_bytes(path.read_bytes().replace(b"#!", b"#!/gone", 1))


def shims_not_first(case: Case) -> None:
    own = str(shims(case.user))
    parts = case.user.environment["PATH"].split(":")
    case.variables["PATH"] = ":".join([*(part for part in parts if part != own), own])


def shims_not_on_path(case: Case) -> None:
    own = str(shims(case.user))
    case.variables["PATH"] = ":".join(part for part in case.user.path if part != own)


def runtime_on_disk(case: Case) -> None:
    case.write("proc/mounts", "/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n")


def ptrace_open(case: Case) -> None:
    case.write("proc/sys/kernel/yama/ptrace_scope", "0\n")


def terminal_injection(case: Case) -> None:
    case.write("proc/sys/dev/tty/legacy_tiocsti", "1\n")


def protected_core_dumps(case: Case) -> None:
    case.write("proc/sys/fs/suid_dumpable", "1\n")


def core_dumps(case: Case) -> None:
    case.write("proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n")


def swap_in_clear(case: Case) -> None:
    case.write("proc/swaps", "Filename\n/dev/sda2 partition 8 0 -2\n")


def clock_set_back(case: Case) -> None:
    moment = time.time() + 3600
    os.utime(case.user.config / "defaults.json", (moment, moment))


def clock_skew(case: Case) -> None:
    # Seven minutes off, and two hours for a hardware clock that keeps local time.
    case.write("sys/class/rtc/rtc0/since_epoch", f"{int(time.time()) + 7200 + 420}\n")


def no_system_bus(case: Case) -> None:
    (case.root / "run/dbus/system_bus_socket").unlink()


def system_bus_silent(case: Case) -> None:
    no_system_bus(case)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    short = Path(tempfile.mkdtemp(prefix="kt-")) / "bus"
    listening.bind(str(short))
    listening.listen()
    (case.root / "run/dbus/system_bus_socket").symlink_to(short)
    KEPT.append(listening)


# Sockets that nobody reads from, until the end of the run.
KEPT: list[socket.socket] = []


def polkit_policy_missing(case: Case) -> None:
    for each in (case.root / "usr/share/polkit-1/actions").iterdir():
        each.unlink()


def pinentry_missing(case: Case) -> None:
    (case.root / "usr/bin/pinentry-qt").unlink()
    case.variables["DISPLAY"] = ":7"


def fingerprint_module_missing(case: Case) -> None:
    case.write("usr/libexec/fprintd", "")


def bash_completion_missing(case: Case) -> None:
    (case.root / "usr/share/bash-completion/bash_completion").unlink()


def no_default_here(case: Case) -> None:
    (case.user.config / "defaults.json").unlink()


def no_directories(case: Case) -> None:
    case.variables["KEYTURN_STATE_DIR"] = "relative"


PROBLEMS: dict[str, list[Callable[[Case], None]]] = {
    "configuration-directory-open": [configuration_open],
    "data-directory-open": [data_link],
    "runtime-directory-open": [runtime_open],
    "file-open": [file_open],
    "settings-damaged": [settings_damaged],
    "defaults-damaged": [defaults_damaged],
    "accounts-damaged": [accounts_damaged],
    "account-missing": [account_missing],
    "two-configurations": [two_configurations],
    "plaintext-left": [plaintext_left],
    "executable-open": [executable_open],
    "sourced-file-missing": [sourced_file_missing],
    "wrappers-stale": [wrappers_stale],
    "wrappers-not-sourced": [wrappers_not_sourced],
    "launcher-missing": [launcher_missing],
    "launcher-stale": [launcher_stale],
    "shim-foreign": [shim_foreign],
    "shim-broken": [shim_broken],
    "shims-not-first": [shims_not_first, shims_not_on_path],
    "runtime-on-disk": [runtime_on_disk],
    "protected-core-dumps": [protected_core_dumps],
    "clock-set-back": [clock_set_back],
    "clock-skew": [clock_skew],
    "system-bus-silent": [system_bus_silent],
    "no-directories": [no_directories],
}
NOTES: dict[str, list[Callable[[Case], None]]] = {
    "executable-missing": [executable_missing],
    "path-relative": [path_relative],
    "wrappers-not-sourced-here": [not_sourced_here],
    "shell-unknown": [shell_unknown],
    "ptrace-open": [ptrace_open],
    "terminal-injection": [terminal_injection],
    "core-dumps": [core_dumps],
    "swap-in-clear": [swap_in_clear],
    "no-system-bus": [no_system_bus],
    "polkit-policy-missing": [polkit_policy_missing],
    "pinentry-missing": [pinentry_missing],
    "fingerprint-module-missing": [fingerprint_module_missing],
    "bash-completion-missing": [bash_completion_missing],
    "no-default-here": [no_default_here],
}
