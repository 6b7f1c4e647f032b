"""`plugins.sh` in real shells: an alias runs exactly its words, whatever the paths are called."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyturn.ground.errors import ConfigurationError
from keyturn.shells import plugins_sh
from tests.parts import needs

SHELLS = ("bash", "zsh", "fish")
ALLOWED = "aZ09_./+@%=:,() -"


def run(shell: str, script: str, directory: Path) -> list[str]:
    """The lines that a script prints in a shell that expands aliases as an interactive one does."""
    path = directory / f"script.{shell}"
    path.write_text(script)
    words = {
        "bash": ("bash", "--norc", "-O", "expand_aliases"),
        "zsh": ("zsh", "-f", "-o", "aliases"),
        "fish": ("fish", "--no-config"),
    }[shell]
    done = subprocess.run(
        [needs(words[0]), *words[1:], str(path)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


# zsh puts a path for `=name`, fish its own number for `%self`.
EXPANDED = [["=sh", "%self", "a=%self", "=", "%", "@", "+x", ":"]]


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=12, deadline=None, database=None)
@example(EXPANDED)
@given(
    st.lists(
        st.lists(st.text(ALLOWED, min_size=1, max_size=12), min_size=1, max_size=4), min_size=1, max_size=20
    )
)
def test_words_of_an_alias_arrive_as_they_are(
    shell: str, tmp_path_factory: pytest.TempPathFactory, many: list[list[str]]
) -> None:
    """Many aliases in one shell: starting it is what takes time."""
    directory = tmp_path_factory.mktemp("words")
    show = directory / "show"
    show.write_text("#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done; echo\n")
    show.chmod(0o755)
    lines, wanted = [], []
    for number, words in enumerate(many):
        rendered = plugins_sh.render([f"tool{number}"], [str(show), *words]).decode()
        (directory / f"plugins{number}.sh").write_text(rendered)
        lines += [f'source "{directory}/plugins{number}.sh"', f"tool{number} more 'and more'"]
        wanted.append("".join(f"<{word}>" for word in [*words, f"tool{number}", "more", "and more"]))
    assert run(shell, "\n".join(lines) + "\n", directory) == wanted


@given(st.text(max_size=30))
def test_a_word_is_written_only_with_harmless_characters(word: str) -> None:
    try:
        quoted = plugins_sh.quote(word)
    except ConfigurationError:
        assert not word or not set(word) <= set(ALLOWED) - {"-"} or not word.isascii()
        return
    assert quoted in (word, f'"{word}"')
    assert not set(word) & set("'\"\\$`!\n\r\t*?[]{}~#&;<>|^")
