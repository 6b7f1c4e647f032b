"""Files of every format, made of pieces: which go with a value is known before anything reads them.

A piece is a text and the value that it goes with, or None if it always stays. Each value is there once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

Piece = tuple[str, str | None]
Draw = Callable[[st.SearchStrategy[object]], object]


@dataclass(frozen=True)
class Made:
    """A file. `pieces` in order; `may_refuse`: taking something out of it could leave it broken."""

    pieces: Sequence[Piece]
    may_refuse: bool = False

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)

    @property
    def values(self) -> list[str]:
        return [value for _, value in self.pieces if value is not None]

    def without(self, gone: set[str]) -> str:
        return "".join(text for text, value in self.pieces if value not in gone)


class Values:
    """Values that are there once, each with something that a format could stumble over."""

    ODD = ("", "/+", "=", "-_", ".", "é", "x" * 300)

    def __init__(self) -> None:
        self.count = 0

    def next(self, odd: str = "") -> str:
        self.count += 1
        return f"v{self.count}EXAMPLE{odd}"


def ended(pieces: list[Piece], ending: str, bom: bool) -> list[Piece]:
    """The pieces as they are, or without the last line end, or with a byte order mark."""
    if ending == "none" and pieces and pieces[-1][0].endswith(("\n", "\r")):
        text, value = pieces[-1]
        pieces[-1] = (text.rstrip("\r\n"), value)
    return [("\ufeff", None), *pieces] if bom else pieces


ENDINGS = st.sampled_from(["", "", "none"])
ODD = st.sampled_from(Values.ODD)
LINE_ENDS = st.sampled_from(["\n", "\n", "\r\n"])


@st.composite
def ini(draw: st.DrawFn) -> Made:
    values, pieces = Values(), list[Piece]()
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["section", "key", "key", "key", "comment", "blank", "nested", "bare"]))
        if kind == "section":
            pieces.append((f"[{draw(st.sampled_from(['a', 'b b', 'default']))}]{end}", None))
        elif kind == "key":
            value = values.next(draw(ODD))
            mark = draw(st.sampled_from(["=", " = ", ": ", "\t=\t"]))
            pieces.append((f"key{values.count}{mark}{value}{end}", value))
        elif kind == "comment":
            pieces.append((f"{draw(st.sampled_from(['#', '; ', '  # ']))}key0 = not{end}", None))
        elif kind == "blank":
            pieces.append((end, None))
        elif kind == "nested":
            pieces.append((f"s3 =\n  key = inner\n  other = {values.next()}\n".replace("\n", end), None))
        else:
            pieces.append((f"flag{end}", None))
    return Made(ended(pieces, draw(ENDINGS), draw(st.booleans())))


@st.composite
def ini_comments(draw: st.DrawFn) -> Made:
    values, pieces = Values(), list[Piece]()
    for _ in range(draw(st.integers(0, 10))):
        kind = draw(st.sampled_from(["section", "key", "commented", "comment"]))
        value = values.next(draw(st.sampled_from(["", "/+", "é"])))
        quote = draw(st.sampled_from(["", '"', "'"]))
        if kind == "section":
            pieces.append(("[client]\n", None))
        elif kind == "key":
            pieces.append((f"key{values.count} = {quote}{value}{quote}\n", value))
        elif kind == "commented":
            pieces += [(f"key{values.count} = {quote}{value}{quote} ", value), ("# why\n", None)]
        else:
            pieces.append(("; key = not\n", None))
    return Made(pieces)


@st.composite
def indented(draw: st.DrawFn, comments: str, quotes: str) -> Made:
    """A dialect in which a line that is indented is one like the others; `comments` begin where they like."""
    values, pieces = Values(), list[Piece]()
    end = draw(LINE_ENDS)
    for _ in range(draw(st.integers(0, 10))):
        kind = draw(st.sampled_from(["section", "key", "key", "commented", "comment", "flag"]))
        value = values.next(draw(st.sampled_from(["", "/+", "é", "-_.", "a=b"])))
        quote = draw(st.sampled_from(["", *quotes]))
        indent = draw(st.sampled_from(["", "", "  ", "\t"]))
        written = f"{indent}key{values.count} = {quote}{value}{quote}"
        if kind == "section":
            pieces.append((f"{indent}[client]{end}", None))
        elif kind == "key":
            pieces.append((f"{written}{end}", value))
        elif kind == "commented" and comments:
            between = draw(st.sampled_from(["", " "]))
            mark = draw(st.sampled_from(comments))
            # What stands before the key stays with the comment.
            pieces += [(indent, None), (f"{written.lstrip()}{between}", value), (f"{mark} why{end}", None)]
        elif kind == "flag":
            pieces.append((f"{indent}flag{end}", None))
        else:
            pieces.append((f"{indent}# key = not{end}", None))
    return Made(pieces)


@st.composite
def npmrc(draw: st.DrawFn) -> Made:
    values, pieces = Values(), list[Piece]()
    for _ in range(draw(st.integers(0, 8))):
        value = values.next(draw(ODD))
        kind = draw(st.sampled_from(["token", "plain", "comment", "list"]))
        if kind == "token":
            pieces.append((f"//r{values.count}.example/a/:_authToken={value}\n", value))
        elif kind == "plain":
            pieces.append((f"@s{values.count}:registry = {value}\n", value))
        elif kind == "comment":
            pieces.append(("; //x/:_authToken=not\n", None))
        else:
            pieces.append((f"ca[]={value}\n", None))
    return Made(ended(pieces, draw(ENDINGS), draw(st.booleans())))


@st.composite
def toml(draw: st.DrawFn) -> Made:
    values, pieces = Values(), list[Piece]()
    end = draw(LINE_ENDS)
    for number in range(draw(st.integers(0, 10))):
        kind = draw(
            st.sampled_from(["table", "list", "key", "key", "commented", "inline", "other", "comment"])
        )
        value = values.next(draw(ODD))
        quoted = draw(st.sampled_from([f'"{value}"', f"'{value}'", f'"""{value}"""', f"'''{value}'''"]))
        if kind == "table":
            name = draw(st.sampled_from(["x", '"a.b"', "'c'"]))
            pieces.append((f"[t{number}.{name}]{end}", None))
        elif kind == "list":
            pieces.append((f"[[ list ]]  # here{end}", None))
        elif kind == "key":
            pieces.append((f"{draw(st.sampled_from(['', '  ']))}k{number} = {quoted}{end}", value))
        elif kind == "commented":
            pieces += [("\t", None), (f"k{number}.'q.r' = {quoted} ", value), (f"# [no]{end}", None)]
        elif kind == "inline":
            other = values.next()
            pieces += [(f"i{number} = {{ ", None), (f"a = {quoted}, ", value), ("b = 1", None)]
            pieces += [(f', "c" = "{other}"', other), (f" }}{end}", None)]
        elif kind == "other":
            pieces.append(
                (f'l{number} = [ 1, # ]\n  {{ k = {{}} }}, "#", """]""" ]\n'.replace("\n", end), None)
            )
        else:
            pieces.append((f'# k = "not"{end}{end}', None))
    return Made(ended(pieces, draw(ENDINGS), draw(st.booleans())))


@st.composite
def yaml(draw: st.DrawFn) -> Made:
    values, pieces = Values(), list[Piece]()
    end = draw(LINE_ENDS)
    if draw(st.booleans()):
        pieces.append((f"---{end}", None))
    for number in range(draw(st.integers(0, 8))):
        kind = draw(
            st.sampled_from(["key", "key", "commented", "map", "list", "flow", "block", "comment", "alias"])
        )
        value = values.next(draw(st.sampled_from(["", "/+=", "é", "x" * 300])))
        written = draw(
            st.sampled_from([value, f'"{value}"', f"'{value}'", f"!!str {value}", f"&a{number} {value}"])
        )
        if kind == "key":
            pieces.append((f"k{number}: {written}{end}", value))
        elif kind == "commented":
            pieces += [(f"k{number}:   {written}  ", value), (f"# k: not{end}", None)]
        elif kind == "map":
            other = values.next()
            pieces += [(f"m{number}:{end}", None), (f"  a: {written}{end}", value), (f"  # c{end}", None)]
            pieces += [(f'  "b c":{end}    {other}{end}', other), (f"  d: [1, {{x: y}}]{end}", None)]
        elif kind == "list":
            pieces += [(f"l{number}:{end}- name: n{end}", None), (f"  token: {written}{end}", value)]
            pieces.append((f"- plain{end}", None))
        elif kind == "flow":
            other = values.next()
            pieces += [(f"f{number}: {{", None), (f"a: {written}, ", value), ('"b": 1', None)]
            pieces += [(f", c: {other}", other), (f"}}{end}", None)]
        elif kind == "block":
            pieces += [(f"b{number}: |{end}  {value}{end}  more{end}", value + "\nmore\n"), (end, None)]
        elif kind == "comment":
            pieces.append((f"# k: not{end}", None))
        else:
            pieces.append((f"x{number}: &z{number} {values.next()}{end}y{number}: *z{number}{end}", None))
    return Made(ended(pieces, draw(ENDINGS), draw(st.booleans())))


@st.composite
def netrc(draw: st.DrawFn) -> Made:
    values, pieces = Values(), list[Piece]()
    for number in range(draw(st.integers(0, 6))):
        value = values.next(draw(st.sampled_from(["", "/+=", "#x", "é"])))
        kind = draw(st.sampled_from(["line", "lines", "default", "comment", "macro"]))
        if kind == "line":
            pieces += [(f"machine h{number} login u", None), (f" password {value}", value), ("\n", None)]
        elif kind == "lines":
            pieces += [
                (f"machine h{number}\n\tlogin u\n", None),
                (f"\tpassword {value}\n", value),
                ("\n", None),
            ]
        elif kind == "default" and not any(text.startswith("default") for text, _ in pieces):
            pieces += [("default login a", None), (f" password {value}", value), (" account b\n", None)]
        elif kind != "macro":
            pieces.append(("# machine x password not\n", None))
        else:
            pieces.append(("macdef init\n  password not\n\n", None))
    return Made(pieces)


@st.composite
def pgpass(draw: st.DrawFn) -> Made:
    values, pieces = Values(), list[Piece]()
    end = draw(LINE_ENDS) if draw(st.booleans()) else "\n"
    for number in range(draw(st.integers(0, 6))):
        value = values.next(draw(st.sampled_from(["", "/+=", " x", "é"])))
        if draw(st.booleans()):
            pieces.append((f"h\\:{number}:5432:*:u:{value}{end}", value))
        else:
            pieces.append((f"#h:5432:*:u:not{end}", None))
    return Made(ended(pieces, draw(ENDINGS), draw(st.booleans())))


@st.composite
def token(draw: st.DrawFn) -> Made:
    value = Values().next(draw(ODD))
    space = st.sampled_from(["", "\n", "  ", "\r\n"])
    return Made([(draw(space), None), (value, value), (draw(space), None)])


@st.composite
def shell(draw: st.DrawFn) -> Made:
    values, pieces, may_refuse = Values(), list[Piece](), False
    for number in range(draw(st.integers(0, 10))):
        kind = draw(
            st.sampled_from(
                ["export", "export", "plain", "two", "commented", "block", "document", "quote", "other"]
            )
        )
        value = values.next(draw(st.sampled_from(["", "/+=", "-_.", "é"])))
        written = draw(st.sampled_from([value, f"'{value}'", f'"{value}"']))
        if kind == "export":
            setter = draw(st.sampled_from(["export", "  export", "\texport"]))
            behind = draw(st.sampled_from(["", " ", ";"]))
            pieces.append((f"{setter} V{number}={written}{behind}\n", value))
        elif kind == "plain":
            pieces.append((f"V{number}={written}\n", value))
        elif kind == "two":
            pieces += [("export A=1", None), (f" V{number}={written}", value), (" B='2 3'\n", None)]
        elif kind == "commented":
            pieces += [(f"export V{number}={written} ", value), ("# don't\n", None)]
        elif kind == "block":
            pieces += [("if true; then\n", None), (f"  V{number}={written}\n", value), ("fi\n", None)]
            may_refuse = True
        elif kind == "document":
            pieces.append((f"cat >/dev/null <<'END'\nexport N={value}\nEND\n", None))
        elif kind == "quote":
            pieces.append((f"X='one\nexport N={value}\ntwo'\n", None))
        else:
            pieces.append(("Y=$(echo it; echo 'x')\nZ=\"$Y\" # don't\n: \\\n  N=1\n", None))
    return Made(pieces, may_refuse)


@st.composite
def fish(draw: st.DrawFn) -> Made:
    values, pieces = Values(), list[Piece]()
    for number in range(draw(st.integers(0, 8))):
        value = values.next(draw(st.sampled_from(["", "/+=", "-_.", "é"])))
        written = draw(st.sampled_from([value, f"'{value}'", f'"{value}"']))
        kind = draw(st.sampled_from(["set", "set", "commented", "erase", "other"]))
        if kind == "set":
            option = draw(st.sampled_from(["-gx", "-g -x", "--export", "-Ux"]))
            pieces.append((f"set {option} V{number} {written}\n", value))
        elif kind == "commented":
            pieces += [(f"set -x V{number} {written} ", value), ("# don't\n", None)]
        elif kind == "erase":
            pieces.append((f"set -e V{number}\nset --erase W{number}\n", None))
        else:
            pieces.append(("set -gx PATH /a /b $PATH\nset X (echo a)\n", None))
    return Made(pieces)


FORMATS: dict[str, st.SearchStrategy[Made]] = {
    "ini": ini(),
    "ini-comments": ini_comments(),
    "ini-interpolated": ini(),
    "ini-go": indented("#;", "\"'"),
    "ini-mysql": indented("#", "\"'"),
    "npmrc": npmrc(),
    "lines": indented("", ""),
    "toml": toml(),
    "yaml": yaml(),
    "netrc": netrc(),
    "pgpass": pgpass(),
    "text": token(),
    "shell": shell(),
    "fish": fish(),
}
