"""The real Nushell on a pseudo-terminal.

It asks the terminal where the cursor is, and draws the line anew at each key: so what counts is the screen,
and the screen answers. Its prompts are numbered: one that is drawn again is not taken for the next one.
"""

import time
from pathlib import Path

import pexpect
import pyte

from tests.programs.user import PROMPT, SECONDS, User
from tests.shells import nu

ROWS, COLUMNS = 50, 120
CONFIGURATION = f"""\
$env.config.show_banner = false
$env.PROMPT_COMMAND = {{|| "" }}
$env.PROMPT_COMMAND_RIGHT = {{|| "" }}
$env.CMD_COUNT = 0
$env.config.hooks.pre_prompt = [{{ $env.CMD_COUNT = $env.CMD_COUNT + 1 }}]
$env.PROMPT_INDICATOR = {{|| $"($env.CMD_COUNT) {PROMPT}" }}
"""


class NuTerminal:
    """A shell whose configuration ends with `lines`; `close` ends it."""

    def __init__(self, user: User, lines: str = "") -> None:
        configuration = user.home / "config.nu"
        configuration.write_text(CONFIGURATION + lines)
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self.screen)
        words = ["--no-history", "--config", str(configuration), "--env-config", "/dev/null"]
        self.child = pexpect.spawn(
            nu.find(),
            words,
            env=user.environment,
            cwd=str(user.home),
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
        )
        self._count = 0
        self.screen.write_process_input = self._answer  # type: ignore[method-assign]
        self.ready()

    def shows(self, *wanted: str, seconds: float = SECONDS) -> list[str]:
        """Wait until each of these is a part of a line; the lines on the screen."""
        end = time.monotonic() + seconds
        while True:
            lines = [line.rstrip() for line in self.screen.display]
            if all(any(each in line for line in lines) for each in wanted):
                return [line for line in lines if line]
            assert time.monotonic() < end, f"{wanted} not in\n" + "\n".join(filter(None, lines))
            try:
                self._stream.feed(self.child.read_nonblocking(65536, 0.02))
            except pexpect.TIMEOUT:
                continue

    def ready(self) -> list[str]:
        """Wait for the next prompt; what stands above it."""
        self._count += 1
        prompt = f"{self._count} {PROMPT}".rstrip()
        lines = self.shows(prompt)
        return lines[: lines.index(prompt)]

    def type(self, line: str) -> None:
        """Type a line and Enter, on an empty screen."""
        self.screen.reset()
        self.child.send(f"{line}\r")

    def run(self, line: str) -> list[str]:
        """Type a command that asks nothing; what it printed."""
        self.type(line)
        return [each for each in self.ready() if PROMPT.strip() not in each]

    def close(self) -> None:
        self.child.close(force=True)

    def _answer(self, data: str) -> None:
        self.child.send(data)


def shell_init(user: User) -> Path:
    """What a person does once, in Nushell: its version is told to the command."""
    path = user.home / "keyturn.nu"
    script = f"keyturn shell-init nu | save --force {path}"
    user.run(nu.find(), "--no-config-file", "-c", script).succeeds()
    return path
