"""A virtual X server with nobody before it, and a person's hands by xdotool."""

import subprocess
import time
from types import TracebackType
from typing import Self

from tests.parts import needs

SECONDS = 20


class Display:
    """`with Display() as display:`; there is no window manager: a window takes the keys by itself."""

    def __init__(self) -> None:
        self._xdotool = needs("xdotool")
        self._server = subprocess.Popen(
            [needs("Xvfb"), "-displayfd", "1", "-screen", "0", "800x600x24", "-noreset", "-nolisten", "tcp"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._server.stdout is not None
        number = self._server.stdout.readline().strip()
        assert number, "Xvfb did not start"
        self.name = f":{number}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdout is not None
        self._server.stdout.close()
        self._server.kill()
        self._server.wait()

    def _do(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._xdotool, *words],
            env={"DISPLAY": self.name, "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def windows(self) -> list[str]:
        """The windows of that title that can be seen now, as the pids of their programs."""
        found = self._do("search", "--onlyvisible", "--name", "^Keyturn$").stdout.split()
        return [self._do("getwindowpid", window).stdout.strip() for window in found]

    def wait_for_window(self, other_than: str = "") -> str:
        """Wait until a window of another pid is shown and takes what is typed; its pid.

        By pid, for the server gives a window's own number to the next one again.
        """
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            focused = self._do("getwindowfocus", "getwindowpid").stdout.strip()
            if focused not in ("", other_than) and focused in self.windows():
                return focused
            time.sleep(0.05)
        raise AssertionError("no window was shown")

    def wait_for_none(self) -> None:
        until = time.monotonic() + SECONDS
        while self.windows():
            assert time.monotonic() < until, "a window was left"
            time.sleep(0.05)

    def type(self, text: str) -> None:
        """Type the text and Enter."""
        self._do("type", "--delay", "12", text)
        self.press("Return")

    def press(self, key: str) -> None:
        self._do("key", key)
