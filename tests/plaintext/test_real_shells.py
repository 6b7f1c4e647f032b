"""Real shells read a start-up file before and after: what went is gone, all other variables are there."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.plaintext.entries import InseparableError
from keyturn.plaintext.formats import FORMATS, take_out
from tests.parts import needs
from tests.plaintext import generated

RUN = {
    "bash": (("bash", "--norc", "--noprofile", "-c"), "set -a; . ./file >/dev/null 2>&1 && env -0"),
    "dash": (("dash", "-c"), "set -a; . ./file >/dev/null 2>&1 && env -0"),
    "zsh": (("zsh", "-f", "-c"), "set -a; . ./file >/dev/null 2>&1 && env -0"),
    "fish": (("fish", "--no-config", "-c"), "source ./file >/dev/null 2>&1; env -0"),
}
OWN = ("SHLVL", "PWD", "OLDPWD", "_", "HOME", "LOGNAME", "PATH")


def variables(shell: str, text: str, place: Path) -> dict[str, str] | None:
    """What the shell exports after it has read the file; None if it refuses it."""
    (place / "file").write_text(text)
    words, script = RUN[shell]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "LC_ALL": "C.UTF-8",
        "XDG_CONFIG_HOME": str(place),
    }
    done = subprocess.run(
        [*words, script],
        cwd=place,
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        return None
    pairs = (part.partition("=") for part in done.stdout.decode().split("\0") if part)
    return {name: value for name, _, value in pairs if name not in OWN}


@pytest.mark.parametrize("shell", RUN)
def test_a_shell_misses_what_went_and_nothing_else(shell: str, tmp_path: Path) -> None:
    needs(shell)
    form = "fish" if shell == "fish" else "shell"
    taken_out = 0

    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def over_generated_files(data: st.DataObject) -> None:
        nonlocal taken_out
        made = data.draw(generated.FORMATS[form])
        before = variables(shell, made.text, tmp_path)
        assert before is not None, made.text
        found = FORMATS[form].entries(made.text)
        for entry in found:
            if entry.value.reveal() in made.values:
                assert before.get(entry.path[0]) == entry.value.reveal(), (entry.path, made.text)
        gone = [entry for entry in found if entry.value.reveal() in made.values and data.draw(st.booleans())]
        try:
            after = take_out(form, made.text, gone)
        except InseparableError:
            assert made.may_refuse
            return
        names = {entry.path[0] for entry in gone}
        assert variables(shell, after, tmp_path) == {
            name: value for name, value in before.items() if name not in names
        }, after
        taken_out += len(gone)

    over_generated_files()
    assert taken_out > 10
