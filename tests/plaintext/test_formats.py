"""What stands in the way of taking an entry out, format by format; and odd files that are read right."""

import pytest

from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import Entry, InseparableError, UnreadableError
from keyturn.plaintext.formats import FORMATS, take_out


def taken(form: str, text: str, value: str = "S") -> str:
    """The text after every entry with this value was taken out."""
    gone = [entry for entry in FORMATS[form].entries(text) if entry.value.reveal() == value]
    assert gone, "it is found"
    return take_out(form, text, gone)


@pytest.mark.parametrize(
    ("form", "before", "after"),
    [
        ("yaml", "a: {k: S}\n", "a: {}\n"),
        ("yaml", "a:\n  k: S\nb: 1\n", "a:\nb: 1\n"),
        ("yaml", "k: S", ""),
        ("yaml", "---\nk: S\n...\n", "---\n...\n"),
        ("yaml", "- k: S\n  b: 1\n- k: 2\n", "- b: 1\n- k: 2\n"),
        ("yaml", "- k: S\n", "- \n"),
        ("yaml", "a: 1\nk:\n  S\nb: 2\n", "a: 1\nb: 2\n"),
        ("yaml", "k: &x S\nb: 2\n", "b: 2\n"),
        ("yaml", "a: [1, {b: 2, k: S}]\n", "a: [1, {b: 2}]\n"),
        ("yaml", "a: |\n  text\n  more\nk: S\n# end\n", "a: |\n  text\n  more\n# end\n"),
        ("toml", 'k = "S"', ""),
        ("toml", '[a]\nk = "S"\n[[b]]\n', "[a]\n[[b]]\n"),
        ("toml", "a.k = 'S'\nb = 1\n", "b = 1\n"),
        ("toml", 'k = """\nS""" # c\nb = 1\n', "# c\nb = 1\n"),
        ("toml", 'x = { k = "S" }\n', "x = {  }\n"),
        ("toml", '[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\nk = "S"\n', "[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\n"),
        ("json", '{"k":"S"}', "{}"),
        ("json", '{\n\t"a": 1,\n\t"k": "S"\n}', '{\n\t"a": 1\n}'),
        ("json", '{"k":"S","k":"S"}', "{}"),
        ("json", '{"\\u006b": "\\u0053", "b": "\\"S"}', '{"b": "\\"S"}'),
        ("netrc", 'machine "a b" login c password "S"\n', 'machine "a b" login c\n'),
        ("netrc", "machine a password S login c", "machine a login c"),
        ("netrc", "machine a\npassword\n  S\nlogin c\n", "machine a\nlogin c\n"),
        ("pgpass", "h:1:d:u:S\r\n#x\r\n", "#x\r\n"),
        ("ini", "k=S\n[a]\n", "[a]\n"),
        ("ini", "[a]\n  k = S\n  b = 2\n", "[a]\n  b = 2\n"),
        ("ini", "[a]\nk = S\n# c\n\n[a]\nk: S", "[a]\n# c\n\n[a]\n"),
        ("ini-comments", "[a]\nk = 'S' # it's\n", "[a]\n# it's\n"),
        ("ini-go", "[a]\n\tk = 'S';c\n  b = 2\n", "[a]\n\t;c\n  b = 2\n"),
        ("ini-mysql", '[client]\nk="S" #c\n b=2\n', "[client]\n#c\n b=2\n"),
        ("npmrc", "//a/:_authToken=S ; c\n", "; c\n"),
        ("lines", "a: 1\n  k = S\nb=2\n", "a: 1\nb=2\n"),
        ("shell", "export A=1 K='S' # x\n", "export A=1 # x\n"),
        ("shell", "export J=S K=S\ntrue\n", "true\n"),
        ("shell", "f() {\n  true\n  K=S\n}\n", "f() {\n  true\n}\n"),
        ("shell", "declare -x K=S; # x\n", "# x\n"),
        ("shell", "K DEFAULT=S\n", ""),
        ("fish", "SETUVAR --export K:S\nSETUVAR A:1\n", "SETUVAR A:1\n"),
    ],
)
def test_it_goes(form: str, before: str, after: str) -> None:
    assert taken(form, before) == after


@pytest.mark.parametrize(
    ("form", "text", "why"),
    [
        ("yaml", "a: &x S\nb: *x\n", "anchor"),
        ("yaml", "a: &x {k: S}\nb: {<<: *x}\n", "anchor"),
        ("yaml", "a: &x\n  k: S\nb: *x\n", "anchor"),
        ("yaml", "- S\n", "it stands in a list"),
        ("yaml", "S\n", "the whole file"),
        ("yaml", "? k\n: S\n", "its key is written"),
        ("yaml", "? {a: b}\n: S\n", "its key is written"),
        ("yaml", "- k: S\n  # c\n  b: 1\n", "something else stands in its line"),
        ("yaml", "k: S\nk: other\n", "changing more"),
        ("toml", 'k = ["S"]\n', "it stands in a list"),
        ("json", '["S"]', "it stands in a list"),
        ("json", '"S"', "it stands in a list"),
        ("json", '{"k":"S","k":"other"}', "changing more"),
        ("ini", "[a]\nk = S\n[a]\nk = other\n", "changing more"),
        ("shell", "K=S command\n", "it is part of a command"),
        ("shell", "true; K=S\n", "other commands stand in its line"),
        ("shell", "export J=1; export K=S\n", "other commands stand in its line"),
        ("shell", "true &&\n  K=S\n", "it is part of something longer"),
        ("shell", "(\nK=S\n)\n", "it is part of something longer"),
        ("shell", "K=S \\\n  true\n", "it is part of something longer"),
        ("shell", "if x; then\n  K=S\nfi\n", "changing more"),
        ("shell", "f() {\n  K=S # c\n}\n", "changing more"),
    ],
)
def test_it_stays_and_says_why(form: str, text: str, why: str) -> None:
    with pytest.raises(InseparableError, match=why):
        taken(form, text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("shell", 'K="$S"\nJ=$(S)\nL=`S`\necho S\n# K=S\nunset S\n'),
        ("shell", "cat <<-EOF\n\tK=S\n\tEOF\n"),
        ("shell", "X='\nK=S\n'\n"),
        ("fish", "set -e K S\nset K (S)\nset PATH a S\n"),
        ("ini", "[a]\n# k = S\n; k = S\ns3 =\n  k = S\n"),
        ("json", '{"k": null, "S": 1}'),
        ("netrc", "# machine a login b password S\nmacdef init\n password S\n\n"),
        ("pgpass", "#h:1:d:u:S\nh:1:d:S\n"),
        ("text", "\n \n"),
    ],
)
def test_what_is_no_entry(form: str, text: str) -> None:
    assert "S" not in [entry.value.reveal() for entry in FORMATS[form].entries(text) if not entry.stuck]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yaml", "a: [\n"),
        ("yaml", "a: *x\n b"),
        ("json", "{'a': 1}"),
        ("toml", "a = \n"),
        ("netrc", "password x"),
    ],
)
def test_what_does_not_parse_says_so_without_its_content(form: str, text: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        FORMATS[form].entries(text)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_aliases_of_aliases_cost_nothing() -> None:
    """A thousand million values, if they were counted out."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    assert taken("yaml", "\n".join([*lines, "k: S"])) == "\n".join([*lines, ""])


def test_a_huge_file() -> None:
    filler = "".join(f"[s{number}]\nname = {number}\n" for number in range(8_000))
    assert taken("ini", f"{filler}[p]\nk = S\n{filler}") == f"{filler}[p]\n{filler}"
    rows = ",".join(f'{{"n":{number}}}' for number in range(8_000))
    assert taken("json", f'{{"a":[{rows}],"k":"S"}}') == f'{{"a":[{rows}]}}'


def test_a_cut_too_many_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a format cuts, what comes out is read again."""
    from keyturn.plaintext import formats

    samples = {
        "ini": "[a]\nk = S\nb = 2\n",
        "json": '{"k": "S", "b": "2"}',
        "yaml": "k: S\nb: 2\n",
        "toml": 'k = "S"\nb = 2\n',
        "netrc": "machine a login 2 password S\n",
        "pgpass": "h:1:d:u:S\n#\n",
        "shell": "K=S\nB=2\n",
        "fish": "set K S\nset B 2\n",
    }
    for wrong in ("", "all", "more"):
        for form, text in samples.items():
            done = {"": text, "all": "", "more": text.replace("2", "3")}[wrong]
            if done == "" and form == "pgpass":
                continue
            monkeypatch.setattr(formats, "without", lambda *_, done=done: done)
            with pytest.raises(InseparableError):
                taken(form, text)


# What another hand could have made of a file, with the same entries in it.
WRONG = [
    ("yaml", "k: S\nb: []\n", "b: {}\n"),
    ("yaml", "k: S\nb: &x 2\n", "b: 2\n"),
    ("yaml", "k: S\nb: !t 2\n", "b: 2\n"),
    ("yaml", "a:\n  k: S\n  b: {}\n", "a:\n"),
    ("toml", 'k = "S"\nb = 2\n', "b = 3\n"),
    ("toml", 'k = "S"\nb = 2\n', 'b = "2"\n'),
    ("json", '{"k": "S", "b": 1}', '{"b": true}'),
    ("json", '{"k": "S", "b": 1, "c": 2}', '{"c": 2, "b": 1}'),
    ("ini", "[a]\nk = S\n[b]\n", "[a]\n"),
    ("ini", "[a]\nk = S\nflag\n", "[a]\nflag =\n"),
    ("netrc", "machine a password S\nmachine b\n", "machine a\n"),
    ("netrc", "machine a password S\nmacdef x\n y\n\n", "machine a\nmacdef x\n z\n\n"),
    ("pgpass", "h:1:d:u:S\n# c\n", ""),
    ("text", "S\n", ""),
    ("shell", "K=S\n# c\n", ""),
    ("shell", "K=S\ntrue\n", "false\n"),
    ("shell", "export A=$B K=S # c\n", "export A=$B\n"),
    ("shell", "export A=$B K=S\n", "export A=$C\n"),
    ("fish", "set -x K S\ntrue\n", ""),
]


@pytest.mark.parametrize(("form", "before", "wrong"), WRONG)
def test_the_second_way_of_reading_notices(form: str, before: str, wrong: str) -> None:
    gone = [entry for entry in FORMATS[form].entries(before) if entry.value.reveal() == "S"]
    assert FORMATS[form].is_same_without(before, take_out(form, before, gone), gone)
    assert not FORMATS[form].is_same_without(before, wrong, gone)


@pytest.mark.parametrize("form", ["ini", "json", "yaml", "toml", "netrc", "pgpass", "shell", "fish"])
def test_the_first_way_of_reading_notices(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from keyturn.plaintext import formats

    text = {"pgpass": "h:1:d:u:S\nh:2:d:u:x\n", "netrc": "machine a password S login x\n"}.get(form, "")
    text = text or {"json": '{"k": "S", "b": "x"}', "toml": 'k = "S"\nb = "x"\n', "yaml": "k: S\nb: x\n"}.get(
        form, ""
    )
    text = text or {"ini": "k = S\nb = x\n", "fish": "set k S\nset b x\n"}.get(form, "k=S\nb=x\n")
    gone = [entry for entry in FORMATS[form].entries(text) if entry.value.reveal() == "S"]
    right = take_out(form, text, gone)
    monkeypatch.setattr(type(FORMATS[form]), "is_same_without", lambda *_: True)
    for wrong in (text, right.replace("x", "y")):
        monkeypatch.setattr(formats, "without", lambda *_, wrong=wrong: wrong)
        with pytest.raises(InseparableError):
            take_out(form, text, gone)


def test_a_misread_position_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the reader of positions finds has to be what the standard library finds there."""
    from keyturn.plaintext import toml_text

    for wrong in (Entry(("k",), Secret("T"), 1), Entry(("j",), Secret("S"), 1)):
        monkeypatch.setattr(toml_text._Reader, "read", lambda _, wrong=wrong: [wrong])
        with pytest.raises(UnreadableError, match="not understood here"):
            FORMATS["toml"].entries('k = "S"\n')
