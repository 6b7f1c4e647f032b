"""Each rule of scripts/check_floors.py, seen to fail on a house in which it is broken."""

from pathlib import Path

import pytest

from scripts.check_floors import FLOORS, LONGEST, check

Files = dict[str, str]

SOUND: Files = {
    "src/keyturn/__init__.py": '__version__ = "1"\n',
    "src/keyturn/__main__.py": "import sys\nfrom keyturn.cli.main import main\nsys.exit(main())\n",
    "src/keyturn/ground/__init__.py": "",
    "src/keyturn/ground/clock.py": "import time\nnow = time.monotonic\n",
    "src/keyturn/items.py": "from keyturn.ground.clock import now\n",
    "src/keyturn/sdk/__init__.py": "",
    "src/keyturn/sdk/rules.py": "from ..items import now\nfrom . import words\n",
    "src/keyturn/sdk/words.py": "def later() -> None:\n    from .rules import now\n",
    "src/keyturn/vaults/__init__.py": "",
    "src/keyturn/shells/launcher_template.py": "import posix, sys\nfrom time import monotonic\n",
    "src/keyturn/cli/__init__.py": "from keyturn import __version__\n",
    "src/keyturn/cli/main.py": "import os\ndef main() -> None:\n    print(os.environ['HOME'])\n",
}


def house(root: Path, files: Files) -> Path:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def found(tmp_path: Path, files: Files) -> list[str]:
    return check(house(tmp_path, SOUND | files), {})


def test_a_sound_house_passes(tmp_path: Path) -> None:
    assert found(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("path", "text", "line", "words"),
    [
        ("ground/a.py", "import keyturn.items", 1, "imports upwards: keyturn.items"),
        ("ground/a.py", "\nfrom keyturn import cli", 2, "imports upwards: keyturn.cli"),
        ("ground/a.py", "from ..agent import x", 1, "imports upwards: keyturn.agent"),
        ("ground/a.py", "from .. import agent", 1, "imports upwards: keyturn.agent"),
        ("ground/__init__.py", "from ..sdk import rules", 1, "imports upwards: keyturn.sdk.rules"),
        ("items.py", "from .sdk import rules", 1, "imports upwards: keyturn.sdk.rules"),
        ("items.py", "def f():\n    from keyturn.sdk import rules", 2, "imports upwards"),
        (
            "items.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import keyturn.sdk.rules",
            3,
            "imports upwards",
        ),
        ("items.py", "import importlib\nimportlib.import_module('keyturn.sdk.rules')", 2, "imports upwards"),
        ("vaults/a.py", "from keyturn.sdk.rules import x", 1, "rooms of one floor"),
        ("items.py", "import keyturn.processes.peer", 1, "rooms of one floor"),
        ("__main__.py", "import keyturn.agent", 1, "may not import keyturn.agent"),
        ("__init__.py", "import keyturn.ground", 1, "may not import keyturn.ground"),
        ("cli/a.py", "import keyturn.utils", 1, "keyturn.utils is in no room"),
        ("utils.py", "", 1, "utils has no floor"),
        ("helpers/a.py", "", 1, "helpers has no floor"),
        ("sdk/words.py", "from .rules import now", 1, "circle: keyturn.sdk.rules → keyturn.sdk.words → "),
        ("agent/a.py", "import os\nos.environ.get('HOME')", 2, "os.environ: only the ground"),
        ("agent/a.py", "from os import environ", 1, "os.environ: only the ground"),
        ("agent/a.py", "from os import getenv as g\nx = g('HOME')", 2, "os.getenv: only the ground"),
        ("agent/a.py", "import time as t\nt.time()", 2, "time.time: only the ground"),
        ("agent/a.py", "import time\nf = time.monotonic", 2, "time.monotonic: only the ground"),
        ("agent/a.py", "from datetime import datetime\ndatetime.now()", 2, "datetime.datetime.now"),
        ("agent/a.py", "import datetime as d\nd.datetime.now()", 2, "datetime.datetime.now"),
        ("agent/a.py", "from pathlib import Path\nPath.home()", 2, "pathlib.Path.home"),
        ("agent/a.py", "import os\nos.path.expanduser('~')", 2, "os.path.expanduser"),
        ("agent/a.py", "def f(p):\n    return p.expanduser()", 2, "expanduser: only the ground"),
        ("cli/other.py", "import os\nos.environ", 2, "os.environ: only the ground"),
        ("agent/a.py", "print('x')", 1, "print: only the command line"),
        ("agent/a.py", "import sys\nsys.exit(1)", 2, "sys.exit: only the command line"),
        ("agent/a.py", "from sys import exit", 1, "sys.exit: only the command line"),
        ("agent/a.py", "raise SystemExit(1)", 1, "SystemExit: only the command line"),
        ("shells/launcher_template.py", "import sys, os", 1, "built into the interpreter, not os"),
        ("shells/launcher_template.py", "def f():\n    from socket import x", 2, "interpreter, not socket"),
        ("shells/launcher_template.py", "from . import x", 1, "built into the interpreter, not ."),
        ("shells/launcher_template.py", "__import__('json')", 1, "built into the interpreter, not json"),
        ("sdk/a.py", "def", 1, "cannot be parsed"),
        ("sdk/a.py", "\n" * (LONGEST + 1), LONGEST + 1, f"{LONGEST + 1} lines"),
    ],
)
def test_each_violation_is_found(tmp_path: Path, path: str, text: str, line: int, words: str) -> None:
    lines = found(tmp_path, {f"src/keyturn/{path}": text})
    places = [said for said in lines if said.startswith(f"src/keyturn/{path}:{line}: ") and words in said]
    assert places, lines


def test_tests_and_scripts_are_measured_too(tmp_path: Path) -> None:
    lines = found(tmp_path, {f"{part}/long.py": "\n" * (LONGEST + 1) for part in ("tests", "scripts")})
    assert len(lines) == 2


def test_finding_nothing_is_an_error(tmp_path: Path) -> None:
    assert check(tmp_path, {}) == ["src/keyturn:1: no module found: nothing was checked"]


def test_an_entry_allows_one_rule_in_one_file(tmp_path: Path) -> None:
    house(tmp_path, SOUND | {"src/keyturn/agent/a.py": "print()\nimport time\ntime.time()\n"})
    lines = check(tmp_path, {("src/keyturn/agent/a.py", "voice"): "a reason"})
    assert len(lines) == 1
    assert "time.time" in lines[0]


def test_an_entry_that_allows_nothing_is_an_error(tmp_path: Path) -> None:
    lines = check(house(tmp_path, SOUND), {("src/keyturn/items.py", "voice"): "a reason"})
    assert lines == ["src/keyturn/items.py:1: allowed to break 'voice', but does not"]


def test_every_room_of_this_house_has_one_floor() -> None:
    rooms = [room for floor in FLOORS.values() for room in floor]
    assert len(rooms) == len(set(rooms)) == 14
