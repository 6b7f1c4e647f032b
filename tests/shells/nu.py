"""The real Nushell: from its package, which `make tools` installs, else the one on PATH."""

import shutil
import subprocess
from pathlib import Path

from scripts.make_env import ROOT
from tests.parts import absent

PACKAGED = ROOT / ".tools/nu/node_modules/@nushell/linux-x64/bin/nu"


def find() -> str:
    """Its path, or the end of this test for want of it."""
    found = str(PACKAGED) if PACKAGED.exists() else shutil.which("nu")
    if found is None:
        absent("nu (make tools)")
    return found


def run(script: str, directory: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a script to its end, without a person's configuration."""
    path = directory / "script.nu"
    path.write_text(script, encoding="utf-8", newline="")
    return subprocess.run(
        [find(), "--no-config-file", str(path)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8", **more},
        cwd=directory,
        capture_output=True,
        check=False,
        timeout=60,
    )
