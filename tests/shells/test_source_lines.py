"""The line that sources plugins.sh: found in any spelling, appended, and removed to the byte."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keyturn.shells import source_lines

TARGET = "/home/ada/.config/keyturn/plugins.sh"
LINE = f"source {TARGET}"
VARIABLES = {"HOME": "/home/ada", "XDG_CONFIG_HOME": ""}

LINES = st.sampled_from(
    [
        b"alias ll='ls -l'",
        b"export X=\xff\xfe",
        b"if true; then",
        b"fi",
        b"\\",
        b"# \\",
        b"",
        b"'",
        b"\0",
        b"\r",
    ]
)
CONTENTS = st.binary(max_size=60) | st.builds(
    lambda lines, end, final: end.join(lines) + final,
    st.lists(LINES, max_size=6),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([b"", b"\n", b"\r\n", b"\\", b"\\\n", b"\n\n"]),
)


@given(CONTENTS | st.none())
@example(b"")
@example(b"no line end")
@example(b"a\\\r\n")
@example(b"if true; then\n")
def test_what_was_added_is_removed_to_the_byte(content: bytes | None) -> None:
    added = source_lines.append(content, LINE)
    assert added.startswith(content or b"")
    assert len(source_lines.find(added, TARGET, VARIABLES)) == 1, "so it is not added twice"
    assert source_lines.remove(added, TARGET, VARIABLES) == content


@given(CONTENTS, CONTENTS.filter(lambda later: bool(later.strip(b"\r\n"))))
@example(b"no line end", b"later\n")
@example(b"if true; then", b"fi")
def test_what_came_later_stays(before: bytes, later: bytes) -> None:
    """The line that was put between the two stays one: they must not run together."""
    added = source_lines.append(before, LINE)
    above = added[: added.rindex(LINE.encode())]
    (found,) = source_lines.find(added + later, TARGET, VARIABLES)
    left = source_lines.remove(added + later, TARGET, VARIABLES)
    assert left == (above + later if found.may_go else added + later)


@given(CONTENTS)
def test_the_line_ends_stay_as_they_are(content: bytes) -> None:
    added = source_lines.append(content, LINE)
    assert added.endswith(b"\n")
    has_final_crlf = b"\n" in content and content[: content.rindex(b"\n")].endswith(b"\r")
    assert added.endswith(b"\r\n") == has_final_crlf


SPELLINGS = [
    f"source {TARGET}",
    f". {TARGET}",
    "source ~/.config/keyturn/plugins.sh",
    ". $HOME/.config/keyturn/plugins.sh",
    'source "$HOME/.config/keyturn/plugins.sh"',
    'source "${HOME}"/.config/keyturn/plugins.sh # mine',
    f"source '{TARGET}'",
    r"source /home/ada/\.config/keyturn/plugins.sh",
    "  source ~/.config/keyturn/plugins.sh",
    "source ~/.config//keyturn/./plugins.sh\r",
    '[ -f ~/.config/keyturn/plugins.sh ] && . "${XDG_CONFIG_HOME:-${HOME}/.config}/keyturn/plugins.sh"',
    "if test -f x; then source ~/.config/keyturn/plugins.sh; fi",
    "test -f x; and source ~/.config/keyturn/plugins.sh",
    "builtin source ~/.config/keyturn/plugins.sh",
    "source ~/.config/keyturn/plugins.sh 2>/dev/null",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_line_that_is_there_in_another_spelling(spelling: str) -> None:
    found = source_lines.find(b"# mine\n" + spelling.encode() + b"\nlast=1\n", TARGET, VARIABLES)
    assert [(each.number, each.is_ours) for each in found] == [(2, False)]


OTHER_LINES = [
    "# source ~/.config/keyturn/plugins.sh",
    "echo source ~/.config/keyturn/plugins.sh",
    "source '~/.config/keyturn/plugins.sh'",
    r"source \~/.config/keyturn/plugins.sh",
    'source "~/.config/keyturn/plugins.sh"',
    "source '$HOME/.config/keyturn/plugins.sh'",
    "source ~/.config/keyturn/plugins.sh-old",
    "source ~/.config/keyturn/",
    'alias again="source ~/.config/keyturn/plugins.sh"',
    "source keyturn/plugins.sh",
    "sourced ~/.config/keyturn/plugins.sh",
    "source $ELSEWHERE/keyturn/plugins.sh",
    "cat < source ~/.config/keyturn/plugins.sh",
]


@pytest.mark.parametrize("other", OTHER_LINES)
def test_a_line_that_is_not_it(other: str) -> None:
    assert source_lines.find(other.encode(), TARGET, VARIABLES) == []


# What a block or a chain needs is not taken out of it: bash stops reading at an empty block.
@pytest.mark.parametrize(
    "block",
    [
        "if true; then\nsource {}\nfi\n",
        "if true; then\n  source {}\nfi\n",
        "[ -f x ] &&\nsource {}\n",
        "[ -f x ] && source {}\n",
        "true \\\nsource {}\necho\n",
        "f() {{\n# c\n\nsource {}\n}}\n",
        "if\n  source {}\nthen echo\nfi\n",
    ],
)
def test_a_line_that_is_part_of_more_stays(block: str) -> None:
    content = block.format(TARGET).encode()
    assert [each.may_go for each in source_lines.find(content, TARGET, VARIABLES)] == [False]
    assert source_lines.remove(content, TARGET, VARIABLES) == content


def test_a_line_beside_others_in_a_block_goes() -> None:
    content = f"if true; then  # c\n  echo\n  source {TARGET}\nfi\n".encode()
    assert source_lines.remove(content, TARGET, VARIABLES) == b"if true; then  # c\n  echo\nfi\n"


def test_after_a_backslash_comes_an_empty_line() -> None:
    """Else the shell would read the line as more words of the command above it."""
    for content in (b"true \\", b"true \\\n"):
        added = source_lines.append(content, LINE)
        assert added == f"true \\\n\n{LINE}  # added by keyturn after ".encode() + (
            b"two line ends\n" if content.endswith(b"\\") else b"a line end\n"
        )
    assert source_lines.append(b"true \\\\\n", LINE).count(b"\n") == 2
