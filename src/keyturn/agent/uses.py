"""What a caller wants to do, as approvals and grants see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """An executable as it was approved; a replaced file is another program."""

    plugin: str
    path: str
    device: int
    inode: int


@dataclass(frozen=True)
class Use:
    """The use of an account: of one item, through one program, in one directory, as far as there is such.

    `doubt` says why the program has to be agreed to by itself; empty: it has not.
    """

    account: str
    item: str = ""
    program: Program | None = None
    directory: str = ""
    doubt: str = ""
    # Whose credentials they are, where no executable of that plugin's is what gets them.
    handed_on: str = ""

    @property
    def plugin(self) -> str:
        return self.program.plugin if self.program is not None else self.handed_on
