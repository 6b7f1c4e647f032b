"""What every authenticator has to do; its test class inherits `AuthenticatorContract` and acts the parts.

Nothing here knows how a person is asked: a case is what the agent would notice.
"""

import json
from dataclasses import dataclass, field
from typing import ClassVar, Literal

Part = Literal["yes", "no", "cancelled", "late", "unusable"]
SECRET = "typed EXAMPLE secret"


@dataclass(frozen=True)
class Played:
    """How one `approve` ended: `outcome` is approved, cancelled or the error's code."""

    outcome: str
    message: str = ""
    hints: tuple[str, ...] = ()
    seen: list[list[str]] = field(default_factory=list)


class AuthenticatorContract:
    """Inherit, and define these. A part that nobody can play is left out: no password is unusable."""

    parts: tuple[Part, ...] = ("yes", "no", "cancelled", "late", "unusable")

    _played: ClassVar[dict[tuple[str, Part], Played]] = {}

    def played(self, part: Part) -> Played:
        """`play`, once for each class."""
        key = (type(self).__name__, part)
        if key not in self._played:
            self._played[key] = self.play(part)
        return self._played[key]

    def play(self, part: Part) -> Played:
        """Have the authenticator ask somebody who acts this part."""
        raise NotImplementedError

    def reason(self, part: Part) -> str:
        """What `unavailable` says where the part is `unusable`, or where it is any other."""
        raise NotImplementedError

    def test_a_yes_is_a_yes(self) -> None:
        played = self.played("yes")
        assert played.outcome == "approved", played
        assert self.reason("yes") == ""

    def test_a_no_is_a_no(self) -> None:
        played = self.played("no")
        assert played.outcome == "denied", played

    def test_a_person_who_cancels_has_not_said_no(self) -> None:
        assert self.played("cancelled").outcome == "cancelled"

    def test_a_person_who_does_not_answer_has_said_no(self) -> None:
        if "late" in self.parts:
            assert self.played("late").outcome == "denied"

    def test_what_cannot_be_used_says_why_and_is_passed_over(self) -> None:
        if "unusable" in self.parts:
            assert self.played("unusable").outcome == "unusable"
            assert self.reason("unusable")

    def test_what_is_said_is_one_line_and_no_secret(self) -> None:
        for part in self.parts:
            played = self.played(part)
            said = [played.message, *played.hints]
            assert all("\n" not in each and each == each.strip() for each in said), said
            assert not played.message[:1].isupper() or played.message.startswith(("Touch ID", "PAM")), said
            assert SECRET not in json.dumps([said, played.seen], ensure_ascii=False)
            why = self.reason(part)
            assert "\n" not in why
            assert not why.endswith(".")
