"""Which programs would be asked about, and which are refused."""

import os
from pathlib import Path

import pytest

from keyturn.agent import executables
from keyturn.ground.errors import ExecutableRefusedError

NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "bin/aws"
    path.parent.mkdir(mode=0o755)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def doubt(path: Path, directory: str = "/", trusted: frozenset[str] = NOTHING, *directories: str) -> str:
    return executables.examine("aws", os.fsencode(path), directory, trusted, directories).doubt


def test_a_program_not_seen_before_is_asked_about(program: Path) -> None:
    assert doubt(program) == "it was not used before"


def test_a_trusted_one_is_not(program: Path, tmp_path: Path) -> None:
    assert doubt(program, "/", frozenset({str(program)})) == ""
    assert doubt(program, "/", NOTHING, str(tmp_path / "bin")) == ""
    assert doubt(program, str(tmp_path), frozenset({str(program)})) == "", "init has shown it"


def test_one_below_the_working_directory_is_named_as_that(program: Path, tmp_path: Path) -> None:
    assert doubt(program, str(tmp_path)) == "it is below the working directory"
    (tmp_path / "bi").mkdir()
    assert doubt(program, str(tmp_path / "bi")) == "it was not used before", (
        "paths are compared by their parts"
    )


def test_a_trusted_directory_is_compared_by_parts(program: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert doubt(program, "/", NOTHING, str(tmp_path / "b")) != ""


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_one_that_others_may_write_is_asked_about_though_trusted(program: Path, mode: int) -> None:
    program.chmod(mode)
    assert doubt(program, "/", frozenset({str(program)})) == "others may replace it"


def test_one_in_a_directory_that_others_may_write_too(program: Path) -> None:
    program.parent.chmod(0o777)
    assert doubt(program, "/", frozenset({str(program)})) == "others may replace it"
    program.parent.chmod(0o1777)
    assert doubt(program, "/", frozenset({str(program)})) == "", "sticky: others cannot replace our file"


def test_a_link_is_what_it_points_to(program: Path, tmp_path: Path) -> None:
    link = tmp_path / "aws"
    link.symlink_to(program)
    found = executables.examine("aws", os.fsencode(link), "/", frozenset({str(program)}), ())
    assert found.doubt == ""
    assert found.program.path == str(program)


@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_setuid_and_setgid_are_refused(program: Path, mode: int) -> None:
    program.chmod(mode)
    with pytest.raises(ExecutableRefusedError, match="setuid"):
        doubt(program)


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ExecutableRefusedError):
            doubt(path)


def test_a_replaced_file_is_another_program(program: Path) -> None:
    first = executables.examine("aws", os.fsencode(program), "/", NOTHING, ()).program
    copy = program.with_name("new")
    copy.write_text("#!/bin/sh\nevil\n")
    copy.chmod(0o755)
    copy.replace(program)
    assert executables.examine("aws", os.fsencode(program), "/", NOTHING, ()).program != first
