"""Start-up files: which ones, the line added once, and the very bytes given back."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from keyturn.ground.errors import ConfigurationError
from keyturn.shells import rc_files, source_lines
from tests.parts import absent, needs

TARGET = "/home/ada/.config/keyturn/plugins.sh"
LINE = f"source {TARGET}"
VARIABLES = {"HOME": "/home/ada"}
BEFORE = b"# mine\nexport EDITOR=vi\n"


@pytest.fixture
def rc(home: Path) -> Path:
    path = home / ".bashrc"
    path.write_bytes(BEFORE)
    return path


def add(path: Path) -> bool:
    return rc_files.add_source_line(path, LINE, VARIABLES)


def remove(path: Path) -> bool:
    return rc_files.remove_source_line(path, LINE, VARIABLES)


def refused(call: Callable[[Path], bool], path: Path, why: str) -> None:
    """The call says why not, and which line it is about."""
    with pytest.raises(ConfigurationError) as caught:
        call(path)
    assert why in caught.value.message
    assert str(path) in caught.value.message
    assert LINE in caught.value.hints[0]


def test_through_a_link_to_the_file(home: Path, rc: Path) -> None:
    repository = home / "dotfiles"
    repository.mkdir()
    (repository / "plugins.sh").touch()
    link = home / "plugins.sh"
    link.symlink_to(repository / "plugins.sh")
    rc.write_text(f"source {repository}/plugins.sh\n")
    assert not rc_files.add_source_line(rc, f"source {link}", VARIABLES)


def test_lines_added_by_hand_go_too(rc: Path) -> None:
    rc.write_bytes(BEFORE + b". ~/.config/keyturn/plugins.sh\nlast=1\n" + LINE.encode())
    assert remove(rc)
    assert rc.read_bytes() == BEFORE + b"last=1\n"
    assert not remove(rc)


def test_twice_adds_once(rc: Path) -> None:
    assert add(rc)
    once = rc.read_bytes()
    assert once == BEFORE + LINE.encode() + b"  # added by keyturn\n"
    assert not add(rc)
    assert rc.read_bytes() == once


def test_a_missing_file_is_made_and_removed(home: Path) -> None:
    path = home / ".config/fish/config.fish"
    before = os.umask(0o027)
    try:
        assert add(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert remove(path)
    assert not path.exists()
    assert not remove(path)


def test_a_file_that_was_made_and_has_more_by_now_stays(home: Path) -> None:
    path = home / ".zshrc"
    add(path)
    with path.open("ab") as stream:
        stream.write(b"later=1\n")
    assert remove(path)
    assert path.read_bytes() == b"later=1\n"


def test_an_empty_file_stays_an_empty_file(rc: Path) -> None:
    rc.write_bytes(b"")
    assert add(rc)
    assert remove(rc)
    assert rc.read_bytes() == b""


def test_mode_and_group_stay(rc: Path) -> None:
    rc.chmod(0o640)
    group = os.getgid() if os.geteuid() else 12
    os.chown(rc, -1, group)
    os.utime(rc, (1, 1))
    for call in (add, remove):
        assert call(rc)
        found = rc.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o640, group)
        assert found.st_mtime > time.time() - 60
    assert os.listdir(rc.parent) == [".bashrc"]


if sys.platform == "linux":

    def test_attributes_stay(rc: Path) -> None:
        try:
            os.setxattr(rc, "user.note", b"mine")
        except OSError:
            absent("a file system with extended attributes")
        assert add(rc)
        assert os.getxattr(rc, "user.note") == b"mine"


def test_a_link_to_a_dotfiles_repository_stays_a_link(home: Path, rc: Path) -> None:
    repository = home / "dotfiles"
    repository.mkdir()
    rc.rename(repository / "bashrc")
    rc.symlink_to("dotfiles/bashrc")
    assert add(rc)
    assert os.readlink(rc) == "dotfiles/bashrc"
    assert LINE.encode() in (repository / "bashrc").read_bytes()
    assert remove(rc)
    assert os.readlink(rc) == "dotfiles/bashrc"
    assert (repository / "bashrc").read_bytes() == BEFORE


def test_a_link_that_leads_nowhere(home: Path) -> None:
    path = home / ".bashrc"
    path.symlink_to(home / "Dotfiles/bashrc")
    refused(add, path, f"it is a link to {home}/Dotfiles/bashrc, which is not there")
    assert not (home / "Dotfiles").exists()


def test_a_link_to_itself(home: Path) -> None:
    path = home / ".bashrc"
    path.symlink_to(path)
    refused(add, path, "symbolic link")


def test_a_directory_in_its_place(home: Path) -> None:
    (home / ".bashrc").mkdir()
    refused(add, home / ".bashrc", "it is a directory")


def test_a_pipe_in_its_place(home: Path) -> None:
    os.mkfifo(home / ".bashrc")
    refused(add, home / ".bashrc", "not a regular file")


def test_a_file_in_the_place_of_its_directory(home: Path) -> None:
    (home / ".config").touch()
    refused(add, home / ".config/fish/config.fish", "not a directory")


@pytest.mark.parametrize("call", [add, remove])
def test_a_read_only_file(rc: Path, call: Callable[[Path], bool]) -> None:
    """Root could; the mode says no all the same."""
    if call is remove:
        add(rc)
    before = rc.read_bytes()
    rc.chmod(0o444)
    refused(call, rc, "it is read-only")
    assert rc.read_bytes() == before


def test_another_hard_link(home: Path, rc: Path) -> None:
    os.link(rc, home / "kept")
    refused(add, rc, "another hard link")
    assert rc.read_bytes() == BEFORE


@pytest.mark.needs("root")
def test_the_file_of_somebody_else(rc: Path) -> None:
    os.chown(rc, 12345, -1)
    refused(add, rc, "it is not your file")


@pytest.mark.needs("root")
@pytest.mark.parametrize("what", ["the file", "its directory"])
def test_a_read_only_mount(rc: Path, what: str) -> None:
    """What nobody may write, root included; and a bind-mounted file, which cannot be renamed over."""
    place = rc if what == "the file" else rc.parent
    script = (
        "mount --bind $0 $0 && mount -o remount,bind,ro $0 || exit 77; exec $1 -c "
        "'import sys; from pathlib import Path; from keyturn.shells import rc_files\n"
        'rc_files.add_source_line(Path(sys.argv[1]), sys.argv[2], {})\' $2 "$3"'
    )
    words = [needs("unshare"), "--mount", "sh", "-c", script, str(place), sys.executable, str(rc), LINE]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        absent("the right to mount")
    assert f"ConfigurationError: {rc} was not changed: " in done.stderr, done.stderr
    assert ("busy" if what == "the file" else "read-only file system") in done.stderr, done.stderr
    assert rc.read_bytes() == BEFORE
    assert os.listdir(rc.parent) == [".bashrc"]


def test_a_change_meanwhile_is_kept(rc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor saves between our reading and our writing."""
    append = source_lines.append

    def slowly(content: bytes | None, line: str) -> bytes:
        rc.write_bytes(b"saved by an editor\n")
        return append(content, line)

    monkeypatch.setattr(source_lines, "append", slowly)
    refused(add, rc, "changed meanwhile")
    assert rc.read_bytes() == b"saved by an editor\n"


HOME = {"HOME": "/h"}


@pytest.mark.parametrize(
    ("environment", "parents", "name", "files"),
    [
        ({"SHELL": "/bin/bash"}, [], "bash", ["/h/.bashrc"]),
        ({"SHELL": "/usr/local/bin/zsh"}, [], "zsh", ["/h/.zshrc"]),
        ({"SHELL": "/bin/zsh", "ZDOTDIR": "/z"}, [], "zsh", ["/z/.zshrc"]),
        ({"SHELL": "/bin/zsh", "ZDOTDIR": "z"}, [], "zsh", ["/h/.zshrc"]),
        ({"SHELL": "/usr/bin/fish"}, [], "fish", ["/h/.config/fish/config.fish"]),
        ({"SHELL": "/usr/bin/fish", "XDG_CONFIG_HOME": "/c"}, [], "fish", ["/c/fish/config.fish"]),
        # A login shell that started another one: it is the one above us that counts.
        ({"SHELL": "/bin/bash"}, ["fish", "bash", "sshd"], "fish", ["/h/.config/fish/config.fish"]),
        ({"SHELL": "/bin/zsh"}, ["make", "tmux: server", "-bash"], "bash", ["/h/.bashrc"]),
        ({"SHELL": "/bin/dash"}, [], "sh", []),
        ({"SHELL": "/bin/zsh", "ENV": "/h/.shrc"}, ["dash"], "sh", ["/h/.shrc"]),
        ({"SHELL": "/usr/bin/nu"}, ["nu", "alacritty"], "nu", []),
        ({"SHELL": ""}, [], "", []),
        ({}, ["code"], "", []),
        ({"SHELL": "/bin/bash", "HOME": ""}, [], "bash", []),
    ],
)
def test_which_shell_and_which_file(
    environment: Mapping[str, str], parents: list[str], name: str, files: list[str]
) -> None:
    found = rc_files.shell_of({**HOME, **environment}, parents, "linux")
    assert (found.name, [str(path) for path in found.files]) == (name, files)


def test_a_posix_shell_has_no_source() -> None:
    plugins = Path("/a b/plugins.sh")
    assert rc_files.Shell("sh").source_line(plugins) == '. "/a b/plugins.sh"'
    assert rc_files.Shell("zsh").source_line(plugins) == 'source "/a b/plugins.sh"'


class TestBashOnMacOs:
    """Its terminals open login shells."""

    def files(self, home: Path) -> list[str]:
        shell = rc_files.shell_of({"HOME": str(home), "SHELL": "/bin/bash"}, [], "darwin")
        return [path.name for path in shell.files]

    def test_none_is_there(self, home: Path) -> None:
        assert self.files(home) == [".bashrc", ".bash_profile"]

    def test_a_profile_is_not_hidden_by_a_new_file(self, home: Path) -> None:
        (home / ".profile").write_text("PATH=/opt/bin:$PATH\n")
        assert self.files(home) == [".bashrc", ".profile"]

    def test_one_that_reads_bashrc_itself(self, home: Path) -> None:
        (home / ".bash_profile").write_text("# .bashrc is read by others\n")
        assert self.files(home) == [".bashrc", ".bash_profile"]
        (home / ".bash_profile").write_text("[ -r ~/.bashrc ] && . ~/.bashrc\n")
        assert self.files(home) == [".bashrc"]


def test_files_that_lack_the_line(home: Path) -> None:
    environment = {"HOME": str(home), "SHELL": "/bin/bash"}
    shell = rc_files.shell_of(environment, [], "darwin")
    assert shell.lacking(LINE, environment) == [home / ".bashrc", home / ".bash_profile"]
    rc_files.add_source_line(home / ".bashrc", LINE, environment)
    assert shell.lacking(LINE, environment) == [home / ".bash_profile"]
    (home / ".bash_aliases").write_text(LINE)
    assert shell.lacking(LINE, environment) == []


def test_every_file_where_a_line_may_be(home: Path) -> None:
    names = [".bashrc", ".bash_profile", ".profile", ".zshrc", ".zshenv", "z/.zshrc", "env"]
    names += ["c/fish/config.fish", "c/fish/conf.d/keyturn.fish"]
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    variables = {"HOME": home, "ZDOTDIR": home / "z", "XDG_CONFIG_HOME": home / "c", "ENV": home / "env"}
    environment = {name: str(path) for name, path in variables.items()}
    (home / ".bash_aliases").symlink_to(".bashrc")
    assert sorted(rc_files.start_up_files(environment)) == sorted(home / name for name in names)
    assert rc_files.start_up_files({}) == []
