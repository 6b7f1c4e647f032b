"""Errors and their statuses."""

import importlib
import pkgutil
import sys

import keyturn
from keyturn.ground import errors
from keyturn.ground.errors import KeyturnError, Status


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, KeyturnError)
    ]
    codes = [kind.code for kind in kinds]
    assert len(codes) > 10
    assert len(set(codes)) == len(codes), sorted(codes)
    assert {errors.all_errors()[kind.code] for kind in kinds} == set(kinds)


def test_no_room_has_an_error_that_would_be_taken_for_another() -> None:
    """An error crosses the wire by its code: one with its parent's would come out as the parent."""
    runs = [
        "__main__",
        "launcher_template",
        "launcher_path",
        *([] if sys.platform == "darwin" else ["darwin"]),
    ]
    for module in pkgutil.walk_packages(keyturn.__path__, "keyturn."):
        if module.name.rpartition(".")[2] not in runs:
            importlib.import_module(module.name)
    kinds, queue = set(), [KeyturnError]
    while queue:
        kinds.add(kind := queue.pop())
        queue += kind.__subclasses__()
    ours = {kind for kind in kinds if kind.__module__.startswith("keyturn.")}
    assert len(ours) > 30
    assert [kind for kind in ours if "code" not in vars(kind)] == []
    assert len({kind.code for kind in ours}) == len(ours)


def test_our_statuses_are_one_block() -> None:
    ours = sorted(status for status in Status if status >= 190)
    assert ours == list(range(190, 199))
