"""What commands print, kept beside this file and compared word for word.

With `UPDATE_GOLDEN=1` in the environment the files are written anew; what changed shows in the diff.
"""

import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent


def compare(name: str, printed: str, home: Path) -> None:
    """Fail unless `printed` is what the file `name` holds, but for ids, the home directory and terminals."""
    text = _without_chance(printed, home)
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.exists(), f"there is no {path}: UPDATE_GOLDEN=1 writes it"
    assert text == path.read_text()


def _without_chance(text: str, home: Path) -> str:
    """The same text at every run: each id by its first place, the home by a name of its own."""
    ids: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return ids.setdefault(match[0], f"ID-{len(ids) + 1}")

    text = re.sub(r"\b[a-z2-7]{26}\b", numbered, text.replace(str(home), "/HOME"))
    return re.sub(r"pts/\d+", "pts/N", text)
