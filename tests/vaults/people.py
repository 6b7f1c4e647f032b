"""A person who answers a helper's questions."""

from keyturn.ground.secret import Secret


class Person:
    """Implements `Prompter` with answers that are there beforehand; one too few is a failed test."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        self.shown: list[str] = []

    def secret(self, prompt: str, warning: str = "") -> Secret:
        return Secret(self.text(prompt, warning))

    def text(self, prompt: str, warning: str = "") -> str:
        self.asked.append((prompt, warning))
        return self._answers.pop(0)

    def show(self, line: str) -> None:
        self.shown.append(line)
