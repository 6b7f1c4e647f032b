"""Installs tools from the package registries, one environment each, below .tools/verify."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.aws_server.client import ROOT
from tests.verify_tools.table import Tool, load

PLACE = ROOT / ".tools/verify"
STAMP = "keyturn-stamp"
SECONDS = 600


class RefusedError(Exception):
    """It could not be installed; the last of what the installer said."""


def program(name: str, tool: Tool) -> Path:
    """The tool's executable, installed if it is not yet."""
    if tool.share:
        other = load(tool.share)
        program(tool.share, other)
        return found(tool, PLACE / tool.share)
    directory = PLACE / name
    if tool.source == "apt":
        if shutil.which(tool.runs, path=debian_path()) is None and os.geteuid() == 0:
            run(["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *tool.packages])
        return found(tool, directory)
    stamp = "\n".join((tool.source, *tool.packages, sys.version, str(directory)))
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / f"{name}.lock").open("w") as file:
        # Two runs at once: the second waits, and then finds the work done.
        fcntl.flock(file, fcntl.LOCK_EX)
        make(directory, tool, stamp)
    return found(tool, directory)


def make(directory: Path, tool: Tool, stamp: str) -> None:
    """The environment in this directory, unless it is there already."""
    if not is_current(directory, stamp):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        install(tool, directory)
        found(tool, directory)
        (directory / STAMP).write_text(stamp)


def is_current(directory: Path, stamp: str) -> bool:
    try:
        return (directory / STAMP).read_text() == stamp
    except OSError:
        return False


def found(tool: Tool, directory: Path) -> Path:
    places = [directory / "bin", directory / "node_modules/.bin"]
    search = debian_path() if tool.source == "apt" else ":".join(map(str, places))
    path = shutil.which(tool.runs, path=search)
    if path is None:
        raise RefusedError(f"no {tool.runs} in what was installed")
    return Path(path)


def debian_path() -> str:
    """Where Debian puts programs, before the caller's PATH: rustup's `cargo` is none without its home."""
    return f"/usr/bin:/bin:/usr/sbin:/sbin:{os.environ.get('PATH', os.defpath)}"


def install(tool: Tool, directory: Path) -> None:
    packages = list(tool.packages)
    if tool.source == "pip":
        uv = shutil.which("uv")
        python = str(directory / "bin/python")
        if uv:
            run(
                [
                    uv,
                    "venv",
                    "--quiet",
                    "--allow-existing",
                    "--no-project",
                    "--python",
                    sys.executable,
                    str(directory),
                ]
            )
            run([uv, "pip", "install", "--quiet", "--python", python, *packages])
        else:
            run([sys.executable, "-m", "venv", str(directory)])
            run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
    elif tool.source == "npm":
        quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        scripts = [] if tool.scripts else ["--ignore-scripts"]
        run(["npm", "install", "--prefix", str(directory), *quiet, *scripts, *packages])
    elif tool.source == "go":
        for package in packages:
            build_go(package, directory, tool.runs)
    else:
        cargo = shutil.which("cargo") or "cargo"
        for package in packages:
            run([cargo, "install", "--quiet", "--locked", "--root", str(directory), package])


def build_go(package: str, directory: Path, name: str) -> None:
    """`MODULE@VERSION ./cmd/x`, built in the module's own directory, by its own go.mod and go.sum.

    `go install` refuses a module that replaces another one, and asks the registry for a module of the
    command's path first, which is no module. Of the module itself the version is fixed here; the public
    list of checksums does not know them all.
    """
    module, _, command = package.partition(" ")
    fetched = directory / "fetched"
    variables = {
        "GOPATH": str(fetched / "path"),
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "GONOSUMDB": module.partition("@")[0],
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    go = shutil.which("go") or "/usr/local/go/bin/go"
    try:
        fetched.mkdir()
        source = json.loads(run([go, "mod", "download", "-json", module], variables, fetched))["Dir"]
        run([go, "build", "-trimpath", "-o", str(directory / "bin" / name), command], variables, Path(source))
    finally:
        shutil.rmtree(fetched, ignore_errors=True)


def version(tool: Tool) -> str:
    """Which version was installed of a tool that does not tell it, as some builds do not; "" for none."""
    package = (tool.packages or load(tool.share).packages)[0]
    if tool.source == "apt":
        return run(["dpkg-query", "--show", "--showformat=${Version}", package])
    return re.split(r"==|@v?", package.partition(" ")[0])[-1]


def run(command: list[str], variables: dict[str, str] | None = None, directory: Path | None = None) -> str:
    """What it printed, if it succeeds; the caller's variables reach the installer untouched."""
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RefusedError(f"{command[0]} had not ended after {SECONDS} s") from None
    except OSError as error:
        raise RefusedError(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        raise RefusedError(reason(lines) or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def reason(lines: list[str]) -> str:
    """The line that says most: the first error, else the last one. Short, and without an address."""
    causes = [line for line in lines if line.startswith("cause:")]
    errors = causes or [line for line in lines if "error" in line.lower() or "403" in line or "404" in line]
    line = (errors or lines or [""])[0 if errors else -1]
    words = [word for word in line.split() if "://" not in word]
    return " ".join(words)[:160]
