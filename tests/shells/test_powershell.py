"""What is written for PowerShell, read by an independent parser of its grammar. It has never been run.

So this shows that a text is PowerShell, which words are in it, and that no path or value becomes anything but
a word; what its commands do with them nobody has tried. Of the quotes the parser takes the straight one alone
for one: that the typographic ones are written twice is checked here, by the language's specification.
"""

import re
from collections.abc import Iterator

import pytest
import tree_sitter
import tree_sitter_powershell
from hypothesis import example, given
from hypothesis import strategies as st

from keyturn.catalogue import loader
from keyturn.cli import aws_keys
from keyturn.ground.secret import Secret
from keyturn.shells import plugins_sh, quoting, wrappers

# All five are single quotes to PowerShell, in any mixture (language specification, 2.3.5.2).
QUOTES = "'\u2018\u2019\u201a\u201b"
WORDS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    st.text(QUOTES + '"`$(){};&|@#<>,\n\r\t -a', max_size=20),
)
HOSTILE = "it's ‘quoted’ \"twice\" $(x) `n \u2018'\u201a\u201b } ; & \n # <# @'"
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def parse(text: str) -> tree_sitter.Node:
    """The whole text, which has to be PowerShell."""
    root = PARSER.parse(text.encode()).root_node
    assert not root.has_error, text
    return root


def nodes(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def texts(root: tree_sitter.Node, kind: str) -> list[str]:
    return [(node.text or b"").decode() for node in nodes(root) if node.type == kind]


def shape(node: tree_sitter.Node) -> object:
    """What it consists of, but for the words."""
    return (node.type, [shape(child) for child in node.children])


def values(root: tree_sitter.Node) -> list[str]:
    """The values of the strings: between single quotes, two of them are the second one."""
    found = []
    for text in texts(root, "string_literal"):
        assert text[0] == text[-1] == "'", text
        inside = re.sub(f"[{QUOTES}]([{QUOTES}])", r"\1\0", text[1:-1])
        assert not re.search(f"[{QUOTES}](?!\0)", inside), text
        found.append(inside.replace("\0", ""))
    return found


def wrapper(command: list[str], *names: str) -> tree_sitter.Node:
    return parse(plugins_sh.render_for("pwsh", names, command).decode())


PLAIN = shape(wrapper(["/python", "-IS", "/launcher"], "aws"))


@given(WORDS)
@example(HOSTILE)
def test_a_word_is_one_word(word: str) -> None:
    root = parse(f"$x = {quoting.powershell(word)}")
    assert values(root) == [word]
    assert shape(root) == shape(parse("$x = 'plain'"))


@given(WORDS, WORDS)
@example(HOSTILE, HOSTILE)
def test_a_path_in_a_wrapper_is_one_word(interpreter: str, launcher: str) -> None:
    root = wrapper([f"/{interpreter}", "-IS", f"/{launcher}"], "aws")
    words = [f"/{interpreter}", "-IS", f"/{launcher}"]
    gone = "aws".join(wrappers.GONE)
    assert values(root)[:-1] == [words[0], words[2], *words, *words, gone]
    assert shape(root) == PLAIN


def test_a_wrapper_for_each_command() -> None:
    names = sorted({*loader.listed(), "7z", "a.b+c-d"})
    assert len(names) > 90
    root = wrapper(["/python", "-IS", "/launcher"], *names)
    assert texts(root, "function_name") == [f"global:{name}" for name in names]
    assert texts(root, "variable").count("$input") == 2 * len(names)
    assert {"@args", "$MyInvocation", f"$env:{plugins_sh.HASH_VARIABLE}"} <= set(texts(root, "variable"))


@given(WORDS.filter(lambda word: word.isascii()), WORDS)
@example(HOSTILE.encode("ascii", "ignore").decode(), HOSTILE)
def test_what_aws_export_prints(secret: str, token: str) -> None:
    """A value of another encoding is refused before (`text_of`); what is text is one word."""
    assign = {
        name: Secret(text.encode().decode("latin-1"))
        for name, text in zip("AB", (secret, token), strict=True)
    }
    root = parse(aws_keys.powershell(aws_keys.Given(assign, ("AWS_PROFILE",))))
    assert values(root) == [secret, token]
    plain = aws_keys.Given(dict.fromkeys("AB", Secret("x")), ("AWS_PROFILE",))
    assert shape(root) == shape(parse(aws_keys.powershell(plain)))
    assert texts(root, "command_name") == ["Remove-Item"]


@pytest.mark.parametrize("written", ["'it's'", "'a' 'b'", "'unfinished", "{ 'a'", "'a'\n}"])
def test_the_parser_sees_what_is_wrong(written: str) -> None:
    with pytest.raises(AssertionError):
        parse(f"$x = {written}")


@pytest.mark.parametrize("quote", QUOTES)
def test_a_quote_that_stands_alone_is_seen(quote: str) -> None:
    with pytest.raises(AssertionError):
        values(parse(f"$x = 'a{quote}b'"))
