"""Where an operation is run again and again, each time from the same scene."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keyturn.ground.errors import KeyturnError
from tests.faults.operations import Operation, make_scene


class Stage:
    """Where runs take place: the scene is put up anew for each."""

    def __init__(self, base: Path, operation: Operation, place: Path | None = None) -> None:
        self.operation = operation
        self.scene = make_scene(place or base / "scene")
        self._template = base / "template"
        shutil.copytree(self.scene.place, self._template)
        self.old = operation.look(self.scene)
        self.put_up()
        # Once without a fault, here: it says what is new, and imports what is imported late.
        operation.begin(self.scene)()
        self.new = operation.look(self.scene)
        assert self.old != self.new
        self.put_up()

    def put_up(self) -> None:
        shutil.rmtree(self.scene.place)
        shutil.copytree(self._template, self.scene.place)

    def begin(self) -> Callable[[], object]:
        return self.operation.begin(self.scene)

    def found(self) -> str:
        """`old` or `new`; fails if what is there is neither, or does not open."""
        there = self.operation.look(self.scene)
        if there == self.new:
            return "new"
        if there == self.old or self._is_half_a_slot(there):
            return "old"
        raise AssertionError(f"neither old nor new: {there}")

    def _is_half_a_slot(self, there: Any) -> bool:
        """A slot's file was written and the list was not: the old account, and a file that it reports."""
        return self.operation.name == "slot add" and there[:-1] == self.old[:-1] and there[-1] == []

    def check_goes_on(self, found: str) -> None:
        """What was not done can be done now, and afterwards no trace is left of the first try."""
        if found == "old":
            try:
                self.begin()()
            except KeyturnError as error:
                raise AssertionError(f"it cannot be repeated: {error.message}") from error
            there = self.operation.look(self.scene)
            assert there == self.new or self.operation.name == "slot add", there
        self.check_no_trace()

    def check_no_trace(self) -> None:
        names = (path.name for path in self.scene.place.rglob("*"))
        left = [name for name in names if name.endswith(".new")]
        assert left == [], left
