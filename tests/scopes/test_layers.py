"""Precedence: the session, then directories from the nearest up, then the global default; by parts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import new_id
from keyturn.items import ItemReference
from keyturn.processes import identity
from keyturn.scopes import defaults, keys, layers, places
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.scopes.layers import Layer, Scope
from tests.parts import absent

# Names that begin like one another, differ in case, or only look the same (é, as one letter and as two).
NAMES = st.sampled_from(["a", "app", "app-old", "APP", "é", "e\u0301", "a b", "app ", "\udce9", "\\", "..a"])
DIRECTORIES = st.lists(NAMES, max_size=5).map(lambda parts: "/" + "/".join(parts))
WHERE = st.one_of(st.none(), DIRECTORIES)


def reference(title: str) -> ItemReference:
    return ItemReference(new_id(), new_id(), new_id(), title)


def with_directories(*directories: str) -> Defaults:
    """Each directory's default is an item that is called as it is."""
    known = Defaults()
    for each in directories:
        place = places.written(each)
        known = defaults.with_directory_default(known, place, "aws", reference(place))
    return known


def parts(directory: str) -> list[str]:
    return [part for part in directory.split("/") if part]


@given(st.sets(DIRECTORIES, max_size=12), WHERE, st.booleans(), st.booleans())
@example({"/srv/app"}, "/srv/app-old", False, False)
@example({"/srv/app"}, "/srv/app", False, True)
@example({"/srv/app"}, "/srv/APP/x", False, True)
@example({"/"}, "/", True, True)
def test_the_order_is_total_and_by_parts(
    directories: set[str], where: str | None, has_session: bool, has_global: bool
) -> None:
    known = with_directories(*directories)
    if has_global:
        known = defaults.with_default(known, "aws", reference("global"))
    known = defaults.with_default(known, "cdk", reference("another command's"))
    session = {"cdk": reference("another command's")}
    if has_session:
        session["aws"] = reference("session")
    found = layers.layers(known, session, "aws", where)

    # The same by another way: every directory whose parts begin the caller's parts, the longest first.
    here = parts(where) if where is not None else None
    above = [each for each in directories if here is not None and here[: len(parts(each))] == parts(each)]
    above.sort(key=lambda each: len(parts(each)), reverse=True)
    titles = ["session"] * has_session + [places.written(each) for each in above] + ["global"] * has_global
    assert [layer.item.title for layer in found] == titles
    ranks = [list(Scope).index(layer.scope) for layer in found]
    assert ranks == sorted(ranks)

    if where is None and directories and not has_session:
        with pytest.raises(ConfigurationError, match="working directory is not known"):
            layers.selected(known, session, "aws", where)
        return
    selected = layers.selected(known, session, "aws", where)
    assert (selected.value.title if selected else None) == (titles[0] if titles else None)


class Counted(dict[str, dict[str, ItemReference]]):
    """Directories that count how often they are asked, and refuse to be gone through."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.asked += 1
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all directories are gone through")

    items = keys = values = __iter__  # type: ignore[assignment]


@pytest.mark.parametrize("count", [1, 1000])
def test_the_price_is_the_depth_and_not_the_number_of_defaults(count: int) -> None:
    counted = Counted({f"/srv/{number}": {"aws": reference("x")} for number in range(count)})
    known = Defaults(directories=counted)
    for where, depth in (("/", 1), ("/srv/0", 3), ("/srv/0/a/b", 5)):
        counted.asked = 0
        selected = layers.selected(known, {}, "aws", where)
        assert (selected is not None, counted.asked) == (where != "/", depth)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Layer(Scope.SESSION, "", reference("x")), "the default of this terminal session"),
        (Layer(Scope.DIRECTORY, "/home/ada", reference("x")), "the default of ~ and below"),
        (Layer(Scope.DIRECTORY, "/home/ada/p q", reference("x")), "the default of ~/p q and below"),
        (Layer(Scope.DIRECTORY, "/home/ada-old", reference("x")), "the default of /home/ada-old and below"),
        (Layer(Scope.DIRECTORY, "/", reference("x")), "the default of / and below"),
        (Layer(Scope.GLOBAL, "", reference("x")), "the global default"),
    ],
)
def test_a_layer_says_which_it_is(layer: Layer, words: str) -> None:
    assert layer.source("/home/ada") == words
    assert layer.source("/home/ada/") == words
    assert layers.shown("/home", "/") == "/home"


@pytest.fixture
def back() -> Iterator[None]:
    """The working directory afterwards is the one before."""
    before = os.open(".", os.O_RDONLY)
    yield
    os.fchdir(before)
    os.close(before)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own names of directories")
@pytest.mark.usefixtures("back")
class TestRealDirectories:
    """Where a process really is, as the kernel tells it."""

    def titles(self, known: Defaults) -> list[str]:
        place = identity.place(os.getpid())
        return [os.path.basename(layer.item.title) for layer in layers.layers(known, {}, "aws", place)]

    def test_through_links_and_dots(self, tmp_path: Path) -> None:
        (tmp_path / "app/src").mkdir(parents=True)
        (tmp_path / "app-old/src").mkdir(parents=True)
        (tmp_path / "link").symlink_to(tmp_path / "app")
        (tmp_path / "app-old/inside").symlink_to(tmp_path / "app/src")
        known = with_directories(places.resolved(str(tmp_path / "link")))
        for name, wanted in {
            "app": ["app"],
            "app/src": ["app"],
            "link/src": ["app"],
            "app-old/../app/src/..": ["app"],
            "app-old/inside": ["app"],
            "app-old": [],
            "app-old/src": [],
            ".": [],
        }.items():
            os.chdir(tmp_path / name)
            assert self.titles(known) == wanted, name

    def test_a_name_that_is_no_text(self, tmp_path: Path) -> None:
        odd = os.path.join(os.fsencode(tmp_path), b"caf\xe9 \\x41\n")
        os.makedirs(odd + b"/below")
        file = DefaultsFile(tmp_path / "defaults.json")
        place = places.written(places.resolved(os.fsdecode(odd)))
        file.change(lambda known: defaults.with_directory_default(known, place, "aws", reference("odd")))
        known = DefaultsFile(tmp_path / "defaults.json").read()
        os.chdir(odd + b"/below")
        assert self.titles(known) == ["odd"]
        os.chdir(tmp_path)
        assert self.titles(known) == []

    def test_in_a_deleted_directory_it_stays_what_it_was(self, tmp_path: Path) -> None:
        """`git checkout` deletes directories under a shell: no reason to become production."""
        (tmp_path / "staging/build").mkdir(parents=True)
        known = with_directories(os.path.realpath(tmp_path / "staging"))
        os.chdir(tmp_path / "staging/build")
        (tmp_path / "staging/build").rmdir()
        assert self.titles(known) == ["staging"]
        (tmp_path / "staging").rmdir()
        assert self.titles(known) == ["staging"]

    def test_a_directory_that_is_called_as_if_it_were_deleted(self, tmp_path: Path) -> None:
        named = tmp_path / "x (deleted)"
        named.mkdir()
        known = with_directories(os.path.realpath(named))
        os.chdir(named)
        assert self.titles(known) == ["x (deleted)"]
        (tmp_path / "x").mkdir()
        os.chdir(tmp_path / "x")
        (tmp_path / "x").rmdir()
        assert self.titles(known) == [], "x was deleted; that other directory is not it"

    @pytest.mark.needs("root", "unshare", "mount")
    def test_a_mounted_directory_is_what_it_is_called(self, tmp_path: Path) -> None:
        """The same directory by two names: the one by which it was gone to counts."""
        (tmp_path / "staging/src").mkdir(parents=True)
        (tmp_path / "production").mkdir()
        show = "import os; from keyturn.processes import identity; print(identity.place(os.getpid()))"
        script = f'mount --bind staging production; cd production/src; exec "{sys.executable}" -c "{show}"'
        command = ["unshare", "--mount", "sh", "-c", script]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True)
        if done.returncode != 0:
            absent("the right to mount in a name space of one's own")
        place = done.stdout.rstrip("\n")
        known = with_directories(*(os.path.realpath(tmp_path / each) for each in ("staging", "production")))
        [layer] = layers.layers(known, {}, "aws", place)
        assert os.path.basename(layer.item.title) == "production"

    def test_at_the_root(self) -> None:
        known = with_directories("/", "/srv")
        os.chdir("/")
        assert self.titles(known) == [""]


class TestSeveralCredentials:
    """One executable, and a default for each credential that it takes."""

    OWN, OTHER = "tool", keys.written("tool", "cloud")

    def known(self) -> Defaults:
        return Defaults(
            everywhere={
                self.OWN: reference("own everywhere"),
                "tool-old": reference("x"),
                "too": reference("x"),
            },
            directories={
                "/srv": {self.OTHER: reference("other in srv")},
                "/srv/app": {self.OWN: reference("own in app"), "tools/cloud": reference("x")},
            },
        )

    def titles(self, session: dict[str, ItemReference], directory: str) -> dict[str, str]:
        found = layers.selected_all(self.known(), session, "tool", directory)
        return {name: each.value.title for name, each in found.items()}

    def test_each_is_looked_up_by_itself(self) -> None:
        assert self.titles({}, "/") == {"": "own everywhere"}
        assert self.titles({}, "/srv") == {"": "own everywhere", "cloud": "other in srv"}
        assert self.titles({}, "/srv/app/x") == {"": "own in app", "cloud": "other in srv"}
        session = {self.OTHER: reference("session"), keys.written("tool", "third"): reference("third")}
        assert self.titles(session, "/srv/app") == {"": "own in app", "cloud": "session", "third": "third"}
        assert layers.selected_all(self.known(), {}, "cloud", "/srv") == {}

    def test_an_executable_of_one_credential_sees_no_other(self) -> None:
        found = layers.selected(self.known(), {}, self.OWN, "/srv")
        assert found is not None
        assert found.value.title == "own everywhere"
        assert [layer.item.title for layer in layers.layers(self.known(), {}, self.OTHER, "/srv/app")] == [
            "other in srv"
        ]

    def test_the_nearest_layer_first_and_in_it_the_own_credential(self) -> None:
        session = {self.OTHER: reference("s other"), self.OWN: reference("s own")}
        found = layers.all_layers(self.known(), session, "tool", "/srv/app")
        assert [(each.scope, each.place, each.credential, each.item.title) for each in found] == [
            (Scope.SESSION, "", "", "s own"),
            (Scope.SESSION, "", "cloud", "s other"),
            (Scope.DIRECTORY, "/srv/app", "", "own in app"),
            (Scope.DIRECTORY, "/srv", "cloud", "other in srv"),
            (Scope.GLOBAL, "", "", "own everywhere"),
        ]

    def test_an_unknown_directory_that_could_decide_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="the working directory is not known"):
            layers.selected_all(self.known(), {}, "tool", None)
        only_own = {self.OWN: reference("session")}
        with pytest.raises(ConfigurationError) as refused:
            layers.selected_all(self.known(), only_own, "tool", None)
        assert "plugin init tool --credential cloud --scope session" in refused.value.hints[0]
        both = {**only_own, self.OTHER: reference("session")}
        assert list(layers.selected_all(self.known(), both, "tool", None)) == ["", "cloud"]

    @given(st.data())
    def test_all_agree_with_one_by_one(self, data: st.DataObject) -> None:
        names = [self.OWN, self.OTHER, keys.written("tool", "third")]
        items = st.dictionaries(st.sampled_from([*names, "other"]), st.builds(reference, st.just("x")))
        known = Defaults(
            everywhere=data.draw(items),
            directories={place: data.draw(items) for place in ("/", "/srv", "/srv/app", "/opt")},
        )
        session, where = data.draw(items), data.draw(st.sampled_from(["/", "/srv", "/srv/app", "/opt/x"]))
        one_by_one = {keys.parsed(key)[1]: layers.selected(known, session, key, where) for key in names}
        found = layers.selected_all(known, session, "tool", where)
        assert found == {name: each for name, each in one_by_one.items() if each is not None}


@pytest.mark.parametrize(("executable", "credential"), [("tool", ""), ("tool", "cloud"), ("a.b-c", "x")])
def test_keys(executable: str, credential: str) -> None:
    key = keys.written(executable, credential)
    assert keys.parsed(key) == (executable, credential)
    assert (key == executable) == (not credential)
