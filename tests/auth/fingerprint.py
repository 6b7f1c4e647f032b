"""A machine with a fingerprint reader: fprintd and libfprint's virtual device."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from keyturn.auth import polkit_policy
from tests.auth.machine import FPRINTD, UNIX, USER, Machine, program, wait_until
from tests.parts import absent, needs

STACK = "auth sufficient pam_fprintd.so max-tries=2 timeout=10\n" + UNIX
# An active session on the machine itself may use the reader; here there is no logind to tell of one.
RULE = f"""polkit.addRule(function(action, subject) {{
    if (action.id == "net.reactivated.fprint.device.verify" && subject.user == "{USER}") return "yes";
}});
"""
ENROLLED, OTHER = "f1", "x1"


class Reader:
    """A machine with a reader that knows one finger of the user."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._device = machine.directory("reader") / "device"
        state = machine.directory("state")
        machine.run("chmod", "755", str(state.parent))
        variables = {"FP_VIRTUAL_DEVICE": str(self._device), "STATE_DIRECTORY": str(state)}
        machine.start(program(FPRINTD, "fprintd"), "-t", variables=variables)
        wait_until(lambda: machine.owns("net.reactivated.Fprint"))
        self._enroll()

    def touch(self, finger: str) -> None:
        """Lay a finger on the reader, half a second after one could; a person takes longer."""
        time.sleep(0.5)
        wait_until(lambda: os.path.exists(self.machine.path(str(self._device))))
        with socket.socket(socket.AF_UNIX) as device:
            device.connect(str(self.machine.path(str(self._device))))
            device.sendall(f"SCAN {finger}".encode())
            device.shutdown(socket.SHUT_WR)
            device.settimeout(5)
            device.recv(4096)

    def _enroll(self) -> None:
        command = [*self.machine.enter(), needs("fprintd-enroll"), "-f", "right-index-finger", USER]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as enrolling:
            assert enrolling.stdout is not None
            for line in enrolling.stdout:
                if re.search(r"Enrolling|enroll-stage-passed", line):
                    self.touch(ENROLLED)
                assert "failed" not in line, line
        assert enrolling.returncode == 0


@contextmanager
def with_reader() -> Iterator[Reader]:
    """The machine, with polkit set up for Keyturn and PAM's stacks that take a finger or a password."""
    with Machine() as machine:
        if not any(machine.path(each).exists() for each in modules()):
            absent("libpam-fprintd")
        machine.start_bus()
        machine.write("/etc/polkit-1/rules.d/01-keyturn-test.rules", RULE)
        machine.start_polkit(polkit_policy.content([USER]))
        machine.write("/etc/pam.d/polkit-1", STACK)
        machine.write("/etc/pam.d/kt-finger", STACK)
        yield Reader(machine)


def modules() -> list[str]:
    """Where distributions put PAM's modules."""
    places = ("/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/usr/lib")
    return [f"{place}/security/pam_fprintd.so" for place in places]
