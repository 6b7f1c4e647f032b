"""How directories are written: any name, back to the same bytes, and no second spelling."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keyturn.ground.errors import UsageError
from keyturn.scopes import places

NAMES = st.binary(min_size=1, max_size=8).filter(
    lambda name: not set(name) & {0, ord("/")} and name not in (b".", b"..")
)
PATHS = st.lists(NAMES, max_size=5).map(lambda names: b"/" + b"/".join(names))


@given(PATHS)
@example(b"/")
@example(b"/srv/caf\xe9")  # Latin-1
@example("/srv/café".encode())
@example(rb"/srv/\x41/\\/\xe9")  # a name that looks like an escape
@example(b"/\xed\xb3\xbf")  # a surrogate, which is no UTF-8
@example(b"/a\nb\x1b[2J")
def test_any_path_comes_back(path: bytes) -> None:
    place = places.written(os.fsdecode(path))
    assert os.fsencode(places.path(place)) == path
    assert json.loads(json.dumps(place).encode("utf-8")) == place, "it goes into JSON"
    parents = [os.fsencode(places.path(each)) for each in places.upwards(os.fsdecode(path))]
    wanted = [path]
    while wanted[-1] != b"/":
        wanted.append(os.path.dirname(wanted[-1]))
    assert parents == wanted


@given(st.text(max_size=12).map(lambda text: "/" + text))
@example("/\\")
@example("/\\x41")
@example("/\\xC3")
@example("/\\xc3\\xa9")  # UTF-8, spelt by its bytes
@example("/\ud800")
@example("/a/")
@example("//a")
@example("/a/./b")
@example("/a/../b")
def test_one_path_has_one_spelling(text: str) -> None:
    try:
        path = places.path(text)
    except ValueError:
        return
    assert places.written(path) == text
    assert os.path.normpath(path) == path


@pytest.mark.parametrize(
    "text", ["", "srv", "/\\", "/\\x41", "/\\xC3", "/\\xc3\\xa9", "/\ud800", "/a/", "//a", "/a/..", "/\0"]
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ValueError):
        places.path(text)


def test_a_person_names_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tmp_path / "real"
    (real / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(real)
    top = os.path.realpath(tmp_path)
    monkeypatch.chdir(real)
    for name in (".", "below/..", str(tmp_path / "link"), f"{tmp_path}/link/below/../", "../link"):
        assert places.resolved(name) == f"{top}/real", name
    (real / "file").touch()
    for name in ("none", "file", "below/../../none", "", "a\0b"):
        with pytest.raises(UsageError):
            places.resolved(name)
