"""Where a credential is said to lie besides, and who else reads its file."""

import os
from pathlib import Path

import pytest

from keyturn.catalogue import loader
from keyturn.cli import traces
from keyturn.sdk.schema import Plugin

KEY, SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
VALUE = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def system_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Not this machine's /etc."""
    monkeypatch.setattr(traces, "SYSTEM_FILES", (str(tmp_path / "environment"),))
    return tmp_path / "environment"


def told(home: Path, **environment: str) -> list[str]:
    return traces.of_variables((KEY, SECRET), str(home), environment)[2:]


def test_the_line_that_unsets(home: Path) -> None:
    expected = "what was imported is still in this shell's environment; take it out:"
    assert traces.of_variables((KEY, SECRET), str(home)) == [expected, f"  unset {KEY} {SECRET}"]
    assert traces.of_variables((KEY,), str(home), {}, "fish")[1] == f"  set --erase {KEY}"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (".bashrc", f"export {SECRET}={VALUE}"),
        (".bash_profile", f"  {SECRET}={VALUE}; export {SECRET}"),
        (".profile", f"export A=b {SECRET}={VALUE}"),
        (".zshenv", f"typeset -x {SECRET}='{VALUE}'"),
        ("z/.zshrc", f"export {SECRET}={VALUE}"),
        ("c/fish/config.fish", f"set -gx {SECRET} {VALUE}"),
        ("c/fish/conf.d/aws.fish", f"set --export {SECRET} {VALUE}"),
        ("c/fish/fish_variables", f"SETUVAR --export {SECRET}:{VALUE}"),
        (".pam_environment", f"{SECRET} DEFAULT={VALUE}"),
        (".envrc", f"export {SECRET}={VALUE}"),
        (".config/environment.d/aws.conf", f"{SECRET}={VALUE}"),
    ],
)
def test_where_they_are_set(home: Path, name: str, line: str) -> None:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"# \xff not UTF-8\n\n" + line.encode() + b"\nlast=1\n")
    found = told(home, ZDOTDIR=f"{home}/z", XDG_CONFIG_HOME=f"{home}/c")
    assert found == [f"  {path}, line 3, seems to set them"]
    assert VALUE not in "".join(found)


def test_of_all_users(home: Path, system_files: Path) -> None:
    system_files.write_text(f"{KEY}=AKIAEXAMPLE\n")
    assert told(home) == [f"  {system_files}, line 1, seems to set them"]


@pytest.mark.parametrize(
    "line",
    [
        f"# export {SECRET}={VALUE}",
        f"unset {KEY} {SECRET}",
        f"set -e {KEY} {SECRET}",
        f"set --erase {KEY}",
        f'echo "${KEY} and more"',
        f'test -n "${{{KEY}:-}}" && run',
        f"MY_{KEY}=x",
        f"{KEY}_OLD=x",
        "AWS_PROFILE=dev",
    ],
)
def test_lines_that_do_not_set_them(home: Path, line: str) -> None:
    (home / ".bashrc").write_text(f"{line}\n")
    assert told(home) == []


def test_what_cannot_be_read_is_passed_over(home: Path) -> None:
    (home / ".bashrc").mkdir()
    os.mkfifo(home / ".envrc")
    (home / ".zshrc").symlink_to(home / ".zshrc")
    (home / ".profile").write_text(f"export {KEY}=AKIAEXAMPLE\n")
    assert told(home) == [f"  {home}/.profile, line 1, seems to set them"]
    assert traces.of_variables((KEY,), "")[2:] == []


def test_a_name_that_could_steer_the_terminal(home: Path) -> None:
    path = home / ".config/environment.d/a\x1b[2Jb.conf"
    path.parent.mkdir(parents=True)
    path.write_text(f"{KEY}=AKIAEXAMPLE\n")
    assert "\x1b" not in "".join(told(home))


class TestReadersOfAFile:
    """Other tools on PATH that read `~/.aws/credentials` themselves."""

    @pytest.fixture
    def plugin(self) -> Plugin:
        return loader.load("aws")

    def install(self, home: Path, *names: str) -> str:
        for name in names:
            (home / name).write_text("#!/bin/sh\n")
            (home / name).chmod(0o755)
        return str(home)

    def test_with_and_without_a_plugin(
        self, home: Path, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Which of them have a plugin grows; so two are given one here and the third none."""
        known = {"cdk", "sam"}
        monkeypatch.setattr(loader, "find_by_executable", lambda name: plugin if name in known else None)
        search = self.install(home, "cdk", "sam", "rclone", "restic", "unheard-of")
        (home / "eksctl").write_text("not executable")
        assert traces.installed_readers(plugin, search) == ["cdk", "rclone", "restic", "sam"]
        assert traces.of_file(plugin, search, ["sam"]) == [
            "note: these read that file too and do without its keys then:",
            "  cdk: set it up by keyturn plugin init cdk",
            "  rclone, restic: no plugin yet",
        ]

    def test_nobody(self, home: Path, plugin: Plugin) -> None:
        assert traces.of_file(plugin, str(home)) == []
        assert traces.of_file(plugin, self.install(home, "cdk"), ["cdk"]) == []

    def test_every_command_named_can_be_given(self, home: Path, plugin: Plugin) -> None:
        """With the real catalogue: each line that names a plugin names one that there is."""
        search = self.install(home, *(name for each in plugin.also_reads for name in each.executables))
        for line in traces.of_file(plugin, search):
            _, _, command = line.partition("keyturn plugin init ")
            assert not command or loader.find_by_executable(command) is not None
