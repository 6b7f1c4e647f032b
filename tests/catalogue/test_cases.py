"""The cases of every built-in plugin, run; what no case looks at is a failure, too."""

from __future__ import annotations

import shlex

import pytest

from keyturn.catalogue import case_runner, cases, loader
from keyturn.catalogue.cases import Cases

NAMES = sorted(path.stem for path in loader.BUILT_IN.glob("*.toml"))
CASES = sorted(path.stem for path in (loader.BUILT_IN / cases.DIRECTORY).glob("*.toml"))


def cases_of(name: str) -> Cases:
    return cases.load_cases(cases.path_beside(loader.BUILT_IN / f"{name}.toml"))


def test_every_plugin_has_cases_and_there_are_no_others() -> None:
    assert len(NAMES) > 80
    assert CASES == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_cases_of(name: str) -> None:
    plugin = loader.load(name)
    assert [str(failure) for failure in case_runner.run_cases(plugin, cases_of(name))] == []


@pytest.mark.parametrize("name", NAMES)
def test_help_is_asked_for_by_position_only(name: str) -> None:
    """Each command has its --help; neither that behind a bare `--`, nor a last word `help`, is a request."""
    plugin = loader.load(name)
    for case in cases_of(name).rules:
        executable = plugin.executable(case.executable)
        assert executable is not None
        # The AWS CLI has `help` alone, and `aws sts get-caller-identity help` is a request for it.
        if name == "aws":
            continue
        assert not executable.needs_authentication([b"--help"]), case.executable
        for line in case.needs:
            words = [word.encode() for word in shlex.split(line)]
            assert executable.needs_authentication([*words, b"--", b"--help"]), (case.executable, line)
            if words and not words[0].startswith(b"-"):
                assert executable.needs_authentication([*words, b"help"]), (case.executable, line)


def test_examples_are_no_real_secrets() -> None:
    """What a case gives as a secret says that it is an example, or cannot be one."""
    for name in NAMES:
        plugin = loader.load(name)
        secrets = {field.label for field in plugin.credential.fields if field.secret}
        for case in cases_of(name).provisions:
            for label, value in case.fields.items():
                hostile = any(character in value for character in "\"'#%\n ${")
                assert label not in secrets or "EXAMPLE" in value or hostile, (name, case.name)
