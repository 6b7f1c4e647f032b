"""Questions on the person's own terminal.

They go to /dev/tty, whatever stdin and stdout are, and are erased when answered: what stays in the
scroll-back is what the wrapped command says. An unanswered question gives way when it is withdrawn.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import unicodedata
from collections.abc import Callable, Iterator, Mapping

from keyturn.agent.client import WithdrawnError
from keyturn.agent.messages import Ask, Browse, Show
from keyturn.cli.output import clean
from keyturn.ground.errors import CancelledByPersonError, LockedError, UsageError
from keyturn.ground.secret import Secret

# Given what can be read, it looks to its own among that; what it waits for, None at the end.
Meanwhile = Callable[[list[int]], "list[int] | None"]

TERMINAL = "/dev/tty"
ECHO = termios.ECHO | termios.ECHONL
OTHER_WAY = "(Enter alone: another way)"
LONGEST_ANSWER = 64 * 1024


def is_there() -> bool:
    """Whether this process has a terminal to ask on."""
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


class Terminal:
    """Implements the agent client's `Questioner`, and asks the CLI's own questions."""

    def __init__(self, *, dumb: bool, variables: Mapping[bytes, bytes] | None = None) -> None:
        """`dumb`: the terminal cannot move its cursor, so nothing is erased. `variables` are a browser's."""
        self.is_dumb = dumb
        self._variables = variables or {}

    def ask(self, question: Ask | Show, withdrawn: Callable[[], bool], descriptor: int) -> Secret | None:
        if isinstance(question, Show):
            self._show(question, withdrawn, descriptor)
            return None
        lines = [*question.lines, *([question.warning] if question.warning else [])]
        if question.other_way:
            lines.append(OTHER_WAY)
        typed = self._read(lines, question.prompt, echo=question.echo, withdrawn=withdrawn, news=descriptor)
        return None if question.other_way and not typed else Secret(typed)

    def _show(self, shown: Show, withdrawn: Callable[[], bool], descriptor: int) -> None:
        """Returns, with None for another way, only if one is offered."""
        while True:
            lines = [*shown.lines, *([OTHER_WAY] if shown.other_way else [])]
            self._read(lines, "", echo=False, withdrawn=withdrawn, news=descriptor)
            if shown.other_way:
                return

    def browse(self, question: Browse, withdrawn: Callable[[], bool], descriptor: int) -> tuple[int, Secret]:
        # Only here, for a question that waits must come at once.
        from keyturn.cli import browser
        from keyturn.cli.redirect import Redirect

        with Redirect(question.address) as redirect:
            is_open = browser.show(redirect.start, self._variables)
            hint = "if it does not open by itself: " if is_open else "it could not be opened; open: "
            lines = [*question.lines, hint + redirect.start]
            self._read(lines, "", echo=False, withdrawn=withdrawn, news=descriptor, meanwhile=redirect.serve)
            return redirect.port, redirect.query

    def secret(self, question: str) -> Secret:
        return Secret(self._read([], f"{question}: ", echo=False))

    def text(self, question: str, default: str = "") -> str:
        """A line of text; an empty answer means the default."""
        shown = f" [{default}]" if default else ""
        return self._read([], f"{question}{shown}: ", echo=True).strip() or default

    def confirm(self, question: str, *, default: bool) -> bool:
        words = "[Y/n]" if default else "[y/N]"
        while True:
            answer = self._read([], f"{question} {words} ", echo=True).strip().lower()
            if answer in ("y", "yes", "n", "no", ""):
                return default if not answer else answer[0] == "y"

    def new_password(self, question: str) -> Secret:
        """A password that is to be used from now on, typed twice. An empty one is refused."""
        warning: list[str] = []
        while True:
            first = self._read(warning, f"{question}: ", echo=False)
            if not first:
                warning = ["an empty password protects nothing"]
                continue
            if self._read([], "the same once more: ", echo=False) == first:
                return Secret(first)
            warning = ["the two were different"]

    def block(self, prompt: str, is_whole: Callable[[str], bool]) -> Secret:
        """Several lines that are pasted and not shown: up to an empty one, or until they are whole."""
        with _open() as terminal:

            def show() -> None:
                os.write(terminal, clean(prompt).encode("utf-8", "replace"))

            def erase() -> None:
                with contextlib.suppress(OSError):
                    os.write(terminal, self._erasure(terminal, prompt, None))

            # One mode for all of it: between two questions, what is pasted would be thrown away.
            with _mode(terminal, echo=False, hide=erase, again=show):
                show()
                text = ""
                try:
                    while line := _line(terminal, None, None):
                        text += line + "\n"
                        if is_whole(text) or len(text) > LONGEST_ANSWER:
                            break
                except KeyboardInterrupt:
                    raise CancelledByPersonError("cancelled") from None
                finally:
                    erase()
                return Secret(text)

    def tell(self, line: str) -> None:
        with _open() as terminal:
            os.write(terminal, (line + "\n").encode("utf-8", "replace"))

    def show_once(self, lines: list[str]) -> None:
        """Show something that is not to stay in the scroll-back, until Enter is pressed."""
        self._read(lines, "press Enter when you have it: ", echo=False)

    def _read(
        self,
        lines: list[str],
        prompt: str,
        *,
        echo: bool,
        withdrawn: Callable[[], bool] | None = None,
        news: int | None = None,
        meanwhile: Meanwhile | None = None,
    ) -> str:
        text = "\n".join(clean(line) for line in (*lines, prompt))
        with _open() as terminal:

            def show() -> None:
                os.write(terminal, text.encode("utf-8", "replace"))

            def erase(answer: str | None = None) -> None:
                with contextlib.suppress(OSError):
                    os.write(terminal, self._erasure(terminal, text, answer if echo else None))

            with _mode(terminal, echo=echo, hide=erase, again=show):
                try:
                    show()
                    answer = _line(terminal, withdrawn, news, meanwhile)
                except BaseException as error:
                    erase()
                    if isinstance(error, KeyboardInterrupt):
                        raise CancelledByPersonError("cancelled") from None
                    raise
                erase(answer)
                return answer

    def _erasure(self, terminal: int, text: str, echoed: str | None) -> bytes:
        """What erases a question; `echoed` is the answer behind it, which the person's Enter ended."""
        if self.is_dumb:
            return b"" if echoed is not None else b"\n"
        columns = os.get_terminal_size(terminal).columns or 80
        rows = sum(max(0, _width(line) - 1) // columns + 1 for line in (text + (echoed or "")).split("\n"))
        return b"\r\x1b[K" + b"\x1b[1A\x1b[2K" * (rows if echoed is not None else rows - 1)


def _width(text: str) -> int:
    """How many columns a terminal gives to `text`."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


@contextlib.contextmanager
def _open() -> Iterator[int]:
    try:
        terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        raise LockedError("there is no terminal to ask on", "every question has a flag: see --help") from None
    try:
        yield terminal
    finally:
        os.close(terminal)


@contextlib.contextmanager
def _mode(
    terminal: int, *, echo: bool, hide: Callable[[], object], again: Callable[[], object]
) -> Iterator[None]:
    """Echo on or off while the block runs; put back before the process stops (Ctrl-Z) and when it ends."""
    before = termios.tcgetattr(terminal)
    wanted = termios.tcgetattr(terminal)
    wanted[3] |= termios.ICANON | termios.ISIG
    wanted[3] = wanted[3] | termios.ECHO if echo else wanted[3] & ~ECHO
    # No ^C or ^Z behind the question: it could begin a line that is not erased.
    wanted[3] &= ~termios.ECHOCTL

    def stop(number: int, frame: object) -> None:
        hide()
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, stop)
        termios.tcsetattr(terminal, termios.TCSADRAIN, wanted)
        again()

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    handlers = {signal.SIGTSTP: signal.signal(signal.SIGTSTP, stop)}
    handlers |= {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    # A script's background commands ignore Ctrl-C; a question that one of them puts can be cancelled still.
    handlers[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    # TCSAFLUSH: what was typed before the question is no answer to it.
    termios.tcsetattr(terminal, termios.TCSAFLUSH, wanted)
    # Half an answer to a question that is gone (of a password, say) is not for the shell to read and show.
    how = termios.TCSAFLUSH
    try:
        yield
        how = termios.TCSADRAIN
    finally:
        # EIO: it has hung up, or is somebody else's by now.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, how, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _line(
    terminal: int,
    withdrawn: Callable[[], bool] | None,
    news: int | None,
    meanwhile: Meanwhile | None = None,
) -> str:
    """One line as typed. Ctrl-D on an empty line cancels, as Ctrl-C does.

    With `meanwhile` typed lines count for nothing; it ends when that says so.
    """
    typed = b""
    with _signals() as woken:
        while meanwhile or not typed.endswith(b"\n"):
            others = meanwhile([]) if meanwhile else []
            if others is None:
                return ""
            watched = [terminal, woken, *([] if news is None else [news]), *others]
            # A connection that somebody keeps open without a word is looked at again.
            ready, _, _ = select.select(watched, [], [], 1.0 if len(others) > 1 else None)
            if meanwhile and meanwhile(ready) is None:
                return ""
            typed = b"" if meanwhile else typed
            if woken in ready:
                os.read(woken, 64)
            if news in ready and withdrawn is not None and withdrawn():
                raise WithdrawnError
            if terminal in ready:
                typed += _typed(terminal)
                if len(typed) > LONGEST_ANSWER:
                    raise UsageError("the answer is too long")
    return typed[:-1].decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """A descriptor that is readable once a signal has come.

    A signal that comes just before a waiting call begins does not end that call: its Python handler would
    run only after the next key, and a Ctrl-C be lost until then.
    """
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def _typed(terminal: int) -> bytes:
    """What was typed. Raises CancelledByPersonError at the end of the input."""
    try:
        part = os.read(terminal, 4096)
    except OSError:
        # It has hung up, or has gone back to the shell while this was asking.
        part = b""
    if not part:
        raise CancelledByPersonError("cancelled")
    return part
