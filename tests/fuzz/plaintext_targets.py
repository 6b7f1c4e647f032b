"""Targets of other programs' credential files, as tests/fuzz/targets.py has them; and backups."""

from collections.abc import Callable
from functools import cache

from keyturn.catalogue import plaintext, selection
from keyturn.catalogue.plaintext import Tool
from keyturn.ground.errors import DamagedError
from keyturn.plaintext import backups
from keyturn.plaintext.entries import InseparableError, UnreadableError, content_of, text_of
from keyturn.plaintext.formats import FORMATS, take_out
from keyturn.sdk.import_schema import Importer
from tests.fuzz.refusals import CANARY, MOMENT, refused

# Each is read four times for every entry that is taken out.
MOST_ENTRIES = 6


@cache
def _importers() -> dict[str, list[tuple[Tool, Importer]]]:
    """Everything that is looked for in files, by their format."""
    found: dict[str, list[tuple[Tool, Importer]]] = {name: [] for name in FORMATS}
    for tool in plaintext.tools():
        for importer in tool.importers:
            if importer.format in found:
                found[importer.format].append((tool, importer))
    assert sum(map(len, found.values())) > 60
    return found


def of_format(name: str) -> Callable[[bytes], bool]:
    """Read, find by every importer of the format, and take out one entry after the other, each from the whole
    file."""

    def target(content: bytes) -> bool:
        importers = _importers()
        try:
            text = text_of(content)
            entries = FORMATS[name].entries(text)
        except UnreadableError as error:
            return refused(error, content)
        assert content_of(text) == content
        for tool, importer in importers[name]:
            for found in selection.select(importer, tool.definitions, name, entries):
                assert all(found.fields.values())
                assert set(found.secrets) <= set(found.fields)
                assert CANARY.decode() not in repr(found) or CANARY.decode() in found.profile
        for entry in entries[:MOST_ENTRIES]:
            assert CANARY.decode() not in repr(entry) or any(CANARY.decode() in key for key in entry.path)
            assert entry.value
            try:
                after = take_out(name, text, [entry])
            except InseparableError as error:
                refused(error, content)
                continue
            assert len(after) < len(text)
            assert len(FORMATS[name].entries(after)) == len(entries) - 1
        return True

    return target


def backup(content: bytes) -> bool:
    try:
        found = backups.decode(content)
    except DamagedError as error:
        return refused(error, content)
    assert backups.encode(found) == content
    return True


TARGETS = {**{f"plaintext-{name}": of_format(name) for name in FORMATS}, "backup": backup}

_INI = b"# c\n[p]\nkey = CANARYEXAMPLE\n  more\nx: 'y' ; c\n[q]\r\nflag\nkey=1"
_SEEDS: dict[str, list[bytes]] = {
    "ini": [_INI, b"\xef\xbb\xbfa=1\r[p]\rb=CANARYEXAMPLE"],
    "ini-comments": [_INI, b'[client]\npassword = "CANARYEXAMPLE" # c\nuser=a;b\n'],
    "ini-interpolated": [_INI, b"[p]\nkey = CANARYEXAMPLE%%\nother = %(key)s\n"],
    "ini-go": [_INI, b"k = `CANARYEXAMPLE#` ; c\n  j = 'x'#c\nl = a \\\n b\n"],
    "ini-mysql": [_INI, b"!includedir /etc\n[client]\n  password = 'CANARYEXAMPLE\\\\#' # c\nskip-x\n"],
    "lines": [_INI, b"a = CANARYEXAMPLE # no\nb: c\n"],
    "npmrc": [b"//r.example/:_authToken=CANARYEXAMPLE\nca[]=x\n", b"; c\n@s:registry = https://x/\n"],
    "json": [b'{"a": {"k": "CANARYEXAMPLE", "b": [1, {"k": "\\u0041"}]}, "c": null}\n', b'["x"]'],
    "yaml": [
        b"a:\n  k: CANARYEXAMPLE # c\nl:\n- k: 'x'\n  n: 1\n- &b y\nf: {k: z, g: 2}\nm: |\n  t\n\nx: *b\n",
        b"--- !t\n? a\n: b\n<<: {c: d}\n...\n",
    ],
    "toml": [
        b"k = \"CANARYEXAMPLE\" # c\n[a.'b']\nl = [{k = \"x\"}]\n[[c]]\nk = '''y'''\n[c.d]\n\"q.r\".k=1\n",
        b'a.b = { c = "x", d = 1 }\n',
    ],
    "netrc": [
        b'machine h login l password CANARYEXAMPLE\n# c\nmacdef init\n cd x\n\ndefault password "a b"\n',
        b"machine a\n\tlogin b\n\tpassword c\n",
    ],
    "pgpass": [b"# c\nh:5432:*:u:CANARYEXAMPLE\r\nh\\:1:2:3:4:5\\:6\n", b"a:b:c\n"],
    "text": [b"CANARYEXAMPLE\n", b"  a b \n"],
    "shell": [
        b"export A='CANARYEXAMPLE' B=2 # it's\nif x; then\n  C=\"3\"\nfi\ncat <<'E'\nD=4\nE\nF=$(g); H=5\n",
        b"I='\nJ=1'\nK=1 l \\\nM=2\nN DEFAULT=3\n",
    ],
    "fish": [b"set -gx A 'CANARY\\'EXAMPLE' # c\nset -e B\nset C (d)\n", b"SETUVAR --export A:b\\x2dc\n"],
}


def seeds() -> dict[str, list[bytes]]:
    kept = backups.encoded(CANARY)
    both = [
        backups.from_parts(path, path, MOMENT, 0o600, ["aws"], backups.digest(b""), kept)
        for path in ("/a", "")
    ]
    return {
        **{f"plaintext-{name}": found for name, found in _SEEDS.items()},
        "backup": [backups.encode(each) for each in both],
    }
