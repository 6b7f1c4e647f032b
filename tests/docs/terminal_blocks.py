"""Types the fenced `terminal` blocks of a page on a real terminal, and compares what it shows.

    ```terminal
    $ keyturn signin                              typed
    password of account “personal”:  <password>   a question, and what is typed; <Enter>: nothing
    ...                                           on its own: any lines, also none; `…`: any text in a line
    ```

<recovery code> types the code that the page has shown last. Empty lines are not compared.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pexpect

from scripts.console_blocks import matches
from tests.programs.user import Terminal

PASSWORD = "open sesame EXAMPLE"
SECONDS = 20
CODE = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]+")
QUESTION = re.compile(r"^(?P<question>.*?)(?:  ?)<(?P<answer>password|Enter|recovery code)>$")
CONTROL = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


def pattern(question: str) -> str:
    """What the question looks like on the terminal, where colours may change between any two words."""
    between = rf"(?:{CONTROL.pattern}|\s)+"
    words = (".*?".join(re.escape(part) for part in word.split("…")) for word in question.split())
    return between.join(words)


@dataclass
class Command:
    line: int
    text: str
    expected: list[str] = field(default_factory=list)


def read_commands(path: Path) -> list[Command]:
    """The commands of all `terminal` blocks of the page."""
    commands: list[Command] = []
    inside = False
    for number, text in enumerate(path.read_text().splitlines(), 1):
        if text.startswith("```"):
            inside = text == "```terminal"
        elif inside and text.startswith("$ "):
            commands.append(Command(number, text[2:]))
        elif inside:
            commands[-1].expected.append(text)
    return commands


class Typist:
    """Types commands on one terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._code = ""

    def type(self, command: Command) -> list[str]:
        """What differs from the page; nothing if all is as it says."""
        self._terminal.type(command.text)
        self._terminal.expect(r"\r\n")
        faults: list[str] = []
        expected: list[str] = []
        for line in command.expected:
            found = QUESTION.match(line)
            if found is None:
                expected.append(line)
                continue
            question = pattern(found["question"])
            try:
                printed = self._terminal.expect(question, SECONDS)
            except pexpect.TIMEOUT:
                shown = "\n".join((self._terminal.child.before or "").splitlines())
                return [
                    *faults,
                    f"line {command.line}: the question is not asked: {line}\n  it shows:\n{shown}",
                ]
            faults += self._compare(command, expected, printed)
            expected = []
            self._terminal.type(self._answer(found["answer"]))
        return [*faults, *self._compare(command, expected, self._terminal.ready())]

    def _answer(self, name: str) -> str:
        return {"password": PASSWORD, "recovery code": self._code, "Enter": ""}[name]

    def _compare(self, command: Command, expected: list[str], printed: str) -> list[str]:
        if code := CODE.search(printed):
            self._code = code[0]
        lines = [line.strip() for line in CONTROL.sub("", printed).replace("\r", "\n").split("\n")]
        shown = [line for line in lines if line]
        wanted = [line.strip() for line in expected if line.strip()]
        if matches(wanted, shown):
            return []
        return [f"line {command.line}: $ {command.text}\n  the page says: {wanted}\n  it shows: {shown}"]
