"""What of the system itself weakens the model or is missing: kernel, memory, clock, bus, packages."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import sys
from pathlib import Path

from keyturn.auth import polkit_policy
from keyturn.cli.doctor_findings import Check, Finding, Patient, note, problem
from keyturn.processes import desktop
from keyturn.shells import rc_files

# A person's own clock watch is not this exact; AWS refuses requests that are off by more than five minutes.
SKEW_SECONDS = 120
BUS_SECONDS = 2.0
IN_MEMORY = ("tmpfs", "ramfs")


def memory(patient: Patient) -> list[Finding]:
    """Provisioned files are to lie in memory, never on a disk (proc(5), /proc/mounts)."""
    mounts = patient.text("/proc/mounts")
    if mounts is None:
        return []
    runtime = str(patient.directories.runtime)
    kind, longest = "", -1
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        # Spaces and the like stand as octal numbers there.
        place = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[1])
        is_above = runtime == place or runtime.startswith(place.rstrip("/") + "/")
        if is_above and len(place) >= longest:
            kind, longest = fields[2], len(place)
    if not kind or kind in IN_MEMORY:
        return []
    return [
        problem(
            "runtime-on-disk",
            f"the runtime directory {runtime} is on a disk ({kind}), not in memory",
            "a file with a secret that a command needs could come to lie on that disk",
            f"set KEYTURN_RUNTIME_DIR to a directory of yours in /run/user/{patient.world.uid} or /dev/shm",
        )
    ]


def ptrace(patient: Patient) -> list[Finding]:
    """Yama's scope 0: programs of one user read each other's memory (kernel.org, admin-guide/LSM/Yama)."""
    if patient.text("/proc/sys/kernel/yama/ptrace_scope") != "0":
        return []
    return [
        note(
            "ptrace-open",
            "any program of yours may read the memory of another (kernel.yama.ptrace_scope is 0)",
            "the agent forbids it for itself; the commands that get credentials do not",
            "sudo sysctl -w kernel.yama.ptrace_scope=1",
        )
    ]


def terminal_injection(patient: Patient) -> list[Finding]:
    """TIOCSTI lets a program type into its terminal (ioctl_tty(2); Linux 6.2 can forbid it)."""
    if patient.text("/proc/sys/dev/tty/legacy_tiocsti") != "1":
        return []
    return [
        note(
            "terminal-injection",
            "programs may type into your terminal (dev.tty.legacy_tiocsti is 1)",
            "one that runs there could answer a question or call a command in an approved terminal",
            "sudo sysctl -w dev.tty.legacy_tiocsti=0",
        )
    ]


def protected_core_dumps(patient: Patient) -> list[Finding]:
    """With 1, processes that forbid core files get them all the same (proc(5), fs/suid_dumpable)."""
    if patient.text("/proc/sys/fs/suid_dumpable") != "1":
        return []
    return [
        problem(
            "protected-core-dumps",
            "the kernel writes core files of processes that forbid them (fs.suid_dumpable is 1)",
            "the agent's memory, with the keys in it, could be written to the disk",
            "sudo sysctl -w fs.suid_dumpable=0",
        )
    ]


def core_dumps(patient: Patient) -> list[Finding]:
    """Core files of commands: core(5). A limit of 0 stops files, but no pipe to a collector."""
    pattern = patient.text("/proc/sys/kernel/core_pattern") or ""
    is_file = not pattern.startswith("|")
    if not pattern or (is_file and resource.getrlimit(resource.RLIMIT_CORE)[0] == 0):
        return []
    where = f"as a file ({pattern})" if is_file else f"by {pattern[1:].split()[0]}"
    return [
        note(
            "core-dumps",
            f"a command that crashes leaves its memory, {where}",
            "its credentials are in there; the agent itself leaves none",
            "ulimit -c 0" if is_file else "see coredump.conf(5): Storage=none",
        )
    ]


def swap(patient: Patient) -> list[Finding]:
    """Swap that is neither in memory nor on a mapped (encrypted, as a rule) device (proc(5), /proc/swaps)."""
    lines = (patient.text("/proc/swaps") or "").splitlines()[1:]
    plain = [
        line.split()[0]
        for line in lines
        if line.strip() and not re.match(r"/dev/(zram|dm-|mapper/)", line.split()[0])
    ]
    if not plain:
        return []
    return [
        note(
            "swap-in-clear",
            f"memory may be swapped to {', '.join(plain)}, which does not look encrypted",
            "keys of the unlocked agent could be written there",
            "encrypt it, or use zram: see crypttab(5), “swap”",
        )
    ]


def clock(patient: Patient) -> list[Finding]:
    """Files of ours from the future, and a clock in hardware that says something else."""
    now = patient.world.clock.now().timestamp()
    directories = patient.directories
    own = [directories.audit_log, directories.defaults, directories.accounts, directories.launcher]
    ahead = max((_modified(path) - now for path in own), default=0.0)
    why = "one-time codes do not fit and AWS refuses requests by a clock that is minutes off"
    mend = "timedatectl set-ntp true" if sys.platform == "linux" else "sudo sntp -sS time.apple.com"
    if ahead > SKEW_SECONDS:
        what = f"the clock was set back: files of keyturn are {_minutes(ahead)} ahead of it"
        return [problem("clock-set-back", what, why, mend)]
    hardware = patient.text("/sys/class/rtc/rtc0/since_epoch") or ""
    if hardware.isdigit():
        # It may keep local time: whole quarters of an hour are a time zone.
        difference = abs(now - int(hardware)) % 900
        if SKEW_SECONDS < difference < 900 - SKEW_SECONDS:
            what = "the system's clock and the hardware's differ by minutes"
            return [problem("clock-skew", what, why, mend)]
    return []


def _modified(path: Path) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _minutes(seconds: float) -> str:
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{round(seconds / 3600)} hours"


def bus(patient: Patient) -> list[Finding]:
    """The system's bus answers in time (story 90): by it come suspend, screen locks and polkit's dialogs."""
    from keyturn.processes.bus import Bus, BusError

    if sys.platform != "linux":
        return []
    path = patient.system("/run/dbus/system_bus_socket")
    if not path.exists():
        return [
            note(
                "no-system-bus",
                "there is no system bus",
                "suspend and screen locks are not noticed, and no dialog or fingerprint can be asked for",
                "on Debian: apt install dbus polkitd",
            )
        ]

    async def answers() -> None:
        async with asyncio.timeout(BUS_SECONDS):
            (await Bus.open(str(path), os.stat(path).st_uid)).close()

    try:
        asyncio.run(answers())
    except (TimeoutError, OSError, BusError):
        return [
            problem(
                "system-bus-silent",
                f"the system bus does not answer within {BUS_SECONDS:.0f} s",
                "polkit cannot be asked, and suspend and screen locks are not noticed",
                "systemctl status dbus; under WSL: wsl --shutdown, then start it again",
            )
        ]
    return []


def polkit(patient: Patient) -> list[Finding]:
    """polkit is there and does not know our action."""
    if sys.platform != "linux" or not patient.system(str(polkit_policy.DIRECTORY)).is_dir():
        return []
    if patient.system(str(polkit_policy.FILE)).exists():
        return []
    return [
        note(
            "polkit-policy-missing",
            "polkit is installed and does not know keyturn",
            "fingerprint and the system's dialog cannot be used to agree",
            "sudo keyturn system-auth install",
        )
    ]


def pinentry(patient: Patient) -> list[Finding]:
    """A desktop without a program for windows that ask."""
    if sys.platform != "linux" or not desktop.is_there(patient.world.variables):
        return []
    names = (
        "pinentry-gnome3",
        "pinentry-qt",
        "pinentry-qt5",
        "pinentry-gtk-2",
        "pinentry-gtk",
        "pinentry-x11",
    )
    if patient.world.settings.prompt.pinentry or any(map(patient.has_program, names)):
        return []
    return [
        note(
            "pinentry-missing",
            "there is a desktop, and no pinentry program for a window on it",
            "an editor or another program without a terminal cannot be agreed to",
            "on Debian: apt install pinentry-gnome3 (KDE: pinentry-qt)",
        )
    ]


def fingerprint(patient: Patient) -> list[Finding]:
    """fprintd without PAM's module: a fingerprint that nothing asks for."""
    has_service = any(
        patient.system(f"{place}/fprintd").exists() for place in ("/usr/libexec", "/usr/lib/fprintd")
    )
    modules = ("/usr/lib", "/lib", "/usr/lib64")
    if not has_service or any(
        any(patient.system(place).glob(pattern))
        for place in modules
        for pattern in ("security/pam_fprintd.so", "*/security/pam_fprintd.so")
    ):
        return []
    return [
        note(
            "fingerprint-module-missing",
            "fprintd is installed, and PAM's module for it is not",
            "the system's dialog asks for a password where a finger would do",
            "on Debian: apt install libpam-fprintd",
        )
    ]


def completion(patient: Patient) -> list[Finding]:
    """bash without bash-completion: it completes no arguments of most commands, wrapped or not."""
    shell = rc_files.shell_of(patient.world.environment)
    places = ("/usr/share", "/usr/local/share", "/opt/homebrew/share", "/etc/profile.d")
    names = ("bash-completion/bash_completion", "bash_completion.sh")
    if shell.name != "bash" or any(
        patient.system(f"{place}/{name}").exists() for place in places for name in names
    ):
        return []
    return [
        note(
            "bash-completion-missing",
            "bash is your shell, and bash-completion is not installed",
            "most commands complete no arguments, with keyturn or without",
            "on Debian: apt install bash-completion",
        )
    ]


CHECKS: tuple[Check, ...] = (
    *(memory, ptrace, terminal_injection, protected_core_dumps, core_dumps, swap, clock, bus),
    *(polkit, pinentry, fingerprint, completion),
)
