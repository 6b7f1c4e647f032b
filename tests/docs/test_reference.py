"""The generated pages say what the program says now."""

from pathlib import Path

import click
import pytest

from keyturn.cli import main as cli
from keyturn.ground.errors import Status
from keyturn.ground.settings import Settings, rows
from scripts import reference


def test_the_pages_are_up_to_date() -> None:
    found = reference.differences(reference.REFERENCE)
    assert not found, "\n".join(["run: make reference", *found])


def test_every_command_is_there() -> None:
    text = "\n".join(text for name, text in reference.pages().items() if name.startswith("cli/"))
    found = [words for words, _ in reference.commands(cli.keyturn, ("keyturn",))]
    assert len(found) > 20
    for words in found:
        assert f"Usage: {' '.join(words)} " in text, f"no page describes {' '.join(words)}"


def test_every_status_and_setting_is_there() -> None:
    pages = reference.pages()
    for status in Status:
        assert f"| {status.value} |" in pages["exit-status.md"]
    for key, _, _, description in rows(Settings()):
        assert f"| `{key}` |" in pages["settings.md"]
        assert description in pages["settings.md"]


def test_a_stale_page_is_found_out(tmp_path: Path) -> None:
    reference.write(tmp_path)
    assert reference.differences(tmp_path) == []
    (tmp_path / "settings.md").write_text("old\n")
    (tmp_path / "cli/lock.md").unlink()
    (tmp_path / "cli/gone.md").write_text("of a command that was removed\n")
    assert len(reference.differences(tmp_path)) == 3
    reference.write(tmp_path)
    assert reference.differences(tmp_path) == []


def test_an_undescribed_variable_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(reference.VARIABLES, "KEYTURN_ACCOUNT")
    with pytest.raises(reference.PageError, match="KEYTURN_ACCOUNT"):
        reference.variables_page()
    monkeypatch.setitem(reference.VARIABLES, "KEYTURN_ACCOUNT", "…")
    monkeypatch.setitem(reference.VARIABLES, "KEYTURN_GONE", "…")
    with pytest.raises(reference.PageError, match="KEYTURN_GONE"):
        reference.variables_page()


def test_a_status_without_a_meaning_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(reference.WITHOUT_CLASS, Status.OK)
    with pytest.raises(reference.PageError, match="neither"):
        reference.statuses_page()


def test_json_of_an_unknown_kind_is_found_out() -> None:
    @click.command()
    @click.option("--format", "form")
    def silent(form: str) -> None: ...

    with pytest.raises(reference.PageError, match="0 kinds of JSON"):
        reference.json_page({"silent": silent})
