"""Where the files are, by our own rules and those of the XDG specification."""

from pathlib import Path

import pytest

from keyturn.ground import paths
from keyturn.ground.errors import ConfigurationError

UID = 1000


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that passes for this user's runtime directory."""
    directory = Path("/run/ada")
    monkeypatch.setattr(paths, "is_private", lambda path, uid: str(path) == str(directory) and uid == UID)
    return directory


def test_the_ordinary_places(run: Path) -> None:
    found = paths.resolve({"HOME": "/home/ada", "XDG_RUNTIME_DIR": str(run)}, UID)
    assert found.config == Path("/home/ada/.config/keyturn")
    assert found.data == Path("/home/ada/.local/share/keyturn")
    assert found.state == Path("/home/ada/.local/state/keyturn")
    assert found.runtime == run / "keyturn"


def test_xdg_variables_count_and_relative_ones_do_not(run: Path) -> None:
    environment = {"HOME": "/home/ada", "XDG_CONFIG_HOME": "/etc/ada", "XDG_DATA_HOME": "relative"}
    found = paths.resolve(environment | {"XDG_RUNTIME_DIR": str(run)}, UID)
    assert found.config == Path("/etc/ada/keyturn")
    assert found.data == Path("/home/ada/.local/share/keyturn")


def test_overrides_win_and_need_no_home() -> None:
    environment = {name: f"/k/{index}" for index, name in enumerate(paths.OVERRIDES)}
    found = paths.resolve(environment, UID)
    assert found.as_environment() == environment
    assert [found.config, found.data, found.state, found.runtime] == [Path(f"/k/{n}") for n in range(4)]


def test_a_relative_override_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="KEYTURN_DATA_DIR is not an absolute path"):
        paths.resolve({"HOME": "/home/ada", "KEYTURN_DATA_DIR": "here"}, UID)


@pytest.mark.parametrize(
    ("home", "said"),
    [({}, "not set"), ({"HOME": ""}, "not set"), ({"HOME": "here"}, "not an absolute path")],
)
def test_no_home_is_said(home: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"HOME is {said}"):
        paths.resolve(home, UID)


def test_a_runtime_directory_of_somebody_else_is_passed_over(tmp_path: Path) -> None:
    found = paths.resolve({"HOME": "/home/ada", "XDG_RUNTIME_DIR": str(tmp_path / "absent")}, 987654)
    assert found.runtime == Path("/dev/shm/keyturn-987654")


def test_the_runtime_directory_does_not_depend_on_home(run: Path) -> None:
    places = {
        paths.resolve({"HOME": home, "XDG_RUNTIME_DIR": str(run)}, UID).runtime for home in ("/a", "/b")
    }
    assert len(places) == 1


def test_agents_of_different_configurations_have_different_sockets(run: Path) -> None:
    sockets = {
        paths.resolve({"HOME": home, "XDG_RUNTIME_DIR": str(run)}, UID).socket for home in ("/a", "/b")
    }
    assert len(sockets) == 2


def test_a_socket_path_over_the_limit_is_said_with_a_way_out() -> None:
    for length, fits in ((paths.SOCKET_PATH_LIMIT - 24, True), (paths.SOCKET_PATH_LIMIT - 23, False)):
        # "/agent-" + 12 + ".sock" are 24 bytes.
        environment = {"HOME": "/h", "KEYTURN_RUNTIME_DIR": "/" + "r" * (length - 1)}
        if fits:
            assert len(bytes(paths.resolve(environment, UID).socket)) == paths.SOCKET_PATH_LIMIT
        else:
            with pytest.raises(ConfigurationError, match="socket path") as caught:
                paths.resolve(environment, UID)
            assert "KEYTURN_RUNTIME_DIR" in caught.value.hints[0]


def test_private_means_ours_alone_and_no_link(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    directory.mkdir(mode=0o700)
    uid = directory.stat().st_uid
    assert paths.is_private(directory, uid)
    assert not paths.is_private(directory, uid + 1)
    link = tmp_path / "link"
    link.symlink_to(directory)
    assert not paths.is_private(link, uid)
    for mode in (0o750, 0o707, 0o701):
        directory.chmod(mode)
        assert not paths.is_private(directory, uid)
    assert not paths.is_private(tmp_path / "absent", uid)
