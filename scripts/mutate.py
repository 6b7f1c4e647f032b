"""mutate.py [MODULE…]: remove one guard after the other, and see whether a test notices.

A guard is a condition (made True, made False, or one of its parts left out), a comparison (turned round), a
`not`, or a `raise`. Each module below has the test files that are to notice; they run in a copy of the tree,
so that nothing here is touched. What no test notices is listed with file and line, and must be killed by a
test or explained in mutants.toml, beside this file. An explanation that fits nothing any more is an error.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parent.parent
SOURCE = Path("src/keyturn")
EXPLAINED = Path(__file__).with_name("mutants.toml")
WORKERS = os.cpu_count() or 1
SECONDS = 120

VAULTS = "tests/vaults/test_"
FAULTS = "tests/faults/test_"
MODULES: dict[str, tuple[str, ...]] = {
    "vaults/age/armor": (VAULTS + "slots.py", VAULTS + "derive.py"),
    "vaults/age/documents": (VAULTS + "documents.py", VAULTS + "sealed.py", FAULTS + "forms.py"),
    "vaults/age/slots": (
        VAULTS + "guards.py",
        VAULTS + "slots.py",
        VAULTS + "opening.py",
        FAULTS + "forms.py",
    ),
    "vaults/age/pins": (VAULTS + "pins.py", VAULTS + "descent.py", FAULTS + "guards.py"),
    "vaults/age/sealed": (
        VAULTS + "guards.py",
        VAULTS + "removal.py",
        VAULTS + "sealed.py",
        VAULTS + "descent.py",
        FAULTS + "guards.py",
    ),
    "vaults/age/opening": (
        VAULTS + "guards.py",
        VAULTS + "opening.py",
        VAULTS + "rotation.py",
        FAULTS + "guards.py",
    ),
    "vaults/age/rotation": (
        VAULTS + "guards.py",
        VAULTS + "removal.py",
        VAULTS + "rotation.py",
        FAULTS + "guards.py",
    ),
    "vaults/age/creation": (VAULTS + "directory.py",),
    "ground/files": (
        "tests/ground/test_files.py",
        FAULTS + "guards.py",
        FAULTS + "forms.py",
    ),
    "ground/wire": ("tests/ground/test_wire.py", FAULTS + "forms.py"),
    "ground/paths": ("tests/ground/test_paths.py", FAULTS + "approvals.py"),
    "scopes/defaults": ("tests/scopes/test_defaults.py", "tests/scopes/test_layers.py", FAULTS + "forms.py"),
    "scopes/layers": ("tests/scopes/test_layers.py",),
    "scopes/places": ("tests/scopes/test_places.py",),
    "scopes/sessions": ("tests/scopes/test_sessions.py",),
    "agent/grants": ("tests/agent/test_approvals.py", "tests/agent/test_sessions_model.py"),
    "agent/questions": ("tests/agent/test_questions.py", FAULTS + "questions.py"),
    "agent/approvals": (
        "tests/agent/test_approvals.py",
        "tests/agent/test_grants.py",
        FAULTS + "approvals.py",
    ),
    "agent/executables": ("tests/agent/test_executables.py", FAULTS + "approvals.py"),
    "agent/callers": (FAULTS + "callers.py",),
}

TURNED: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}


@dataclass(frozen=True)
class Mutant:
    """`text` in the place of what stands from `start` to `end` (byte offsets) of a module."""

    module: str
    line: int
    start: int
    end: int
    text: str
    original: str

    def __str__(self) -> str:
        before = " ".join(self.original.split())
        return f"{SOURCE / self.module}.py:{self.line}: {before} → {self.text}"

    def change(self) -> str:
        return f"{' '.join(self.original.split())} → {self.text}"


class Finder:
    """The mutants of one module."""

    def __init__(self, module: str, content: bytes) -> None:
        self.module, self.content = module, content
        self._starts = [0]
        for line in content.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def find(self) -> list[Mutant]:
        tree = ast.parse(self.content)
        found = [mutant for node in ast.walk(tree) for mutant in self._of(node)]
        return sorted(set(found), key=lambda mutant: (mutant.start, mutant.end, mutant.text))

    def _of(self, node: ast.AST) -> Iterator[Mutant]:
        if isinstance(node, (ast.If, ast.IfExp)):
            yield from self._condition(node.test, "True", "False")
        elif isinstance(node, ast.While):
            yield from self._condition(node.test, "False")
        elif isinstance(node, ast.comprehension):
            for test in node.ifs:
                yield from self._condition(test, "True", "False")
        elif isinstance(node, ast.BoolOp) and all(_is_claim(value) for value in node.values):
            neutral = "True" if isinstance(node.op, ast.And) else "False"
            for value in node.values:
                yield self._mutant(value, neutral)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield self._mutant(node, f"bool({self._text(node.operand)})")
        elif isinstance(node, ast.Raise):
            yield self._mutant(node, "pass")
        elif isinstance(node, ast.Compare) and self._text(node).startswith("sys.platform"):
            return  # the other platform's branch cannot be tried here
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self._text(node.left), self._text(node.comparators[0])
            yield self._mutant(node, f"({left} {TURNED[type(node.ops[0])]} {right})")
        elif isinstance(node, ast.Compare):
            for index, operator in enumerate(node.ops):
                words = [self._text(node.left)]
                for number, (each, value) in enumerate(zip(node.ops, node.comparators, strict=True)):
                    words += [TURNED[type(operator)] if number == index else _word(each), self._text(value)]
                yield self._mutant(node, f"({' '.join(words)})")

    def _condition(self, test: ast.expr, *texts: str) -> Iterator[Mutant]:
        if not self._text(test).startswith("sys.platform"):
            for text in texts:
                yield self._mutant(test, text)

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self.content[start:end].decode()

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _mutant(self, node: ast.expr | ast.stmt, text: str) -> Mutant:
        start, end = self._span(node)
        return Mutant(self.module, node.lineno, start, end, text, self.content[start:end].decode())


def _is_claim(value: ast.expr) -> bool:
    """Whether an operand says yes or no; `x or y` as a default value is no guard."""
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return name.lstrip("_").startswith(("is", "startswith", "endswith", "match", "any", "all", "S_IS"))
    return isinstance(value, (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Name, ast.Attribute, ast.BinOp))


def _word(operator: ast.cmpop) -> str:
    words: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}
    return words[type(operator)]


class Copy:
    """A copy of the tree, in which one mutant at a time lives."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.output = ""
        ignored = shutil.ignore_patterns("__pycache__")
        for part in ("src", "tests", "scripts", "locks", "docs"):
            shutil.copytree(ROOT / part, place / part, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", place)
        for part in (".venv", ".tools"):
            (place / part).symlink_to(ROOT / part)

    def passes(self, module: str) -> bool:
        """Whether the module's tests pass here; a run that hangs does not."""
        tests = [test for test in MODULES[module] if (self.place / test).exists()]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--timeout=30"]
        environment = {**os.environ, "PYTHONPATH": str(self.place / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [*command, *tests],
                cwd=self.place,
                env=environment,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        self.output = (done.stderr + done.stdout).decode()
        return done.returncode == 0

    def kills(self, mutant: Mutant) -> bool:
        """Whether a test notices the mutant."""
        path = self.place / SOURCE / f"{mutant.module}.py"
        content = (ROOT / SOURCE / f"{mutant.module}.py").read_bytes()
        mutated = content[: mutant.start] + mutant.text.encode() + content[mutant.end :]
        path.write_bytes(mutated)
        try:
            compile(mutated, str(path), "exec")
            return not self.passes(mutant.module)
        except SyntaxError:
            return True
        finally:
            path.write_bytes(content)


def explained() -> dict[tuple[str, str], str]:
    """Why a mutant may live, by module and change."""
    if not EXPLAINED.exists():
        return {}
    table = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))
    return {(each["module"], each["change"]): each["why"] for each in table["mutant"]}


def run(chosen: list[str], place: Path) -> int:
    copies: Queue[Copy] = Queue()
    made = [Copy(place / str(number)) for number in range(WORKERS)]
    for copy in made:
        copies.put(copy)
    for module in chosen:
        if not any((ROOT / test).exists() for test in MODULES[module]):
            print(f"keyturn: {module}: its tests are missing: {MODULES[module]}", file=sys.stderr)
            return 2
        if not made[0].passes(module):
            print(f"keyturn: {module}: its tests fail without any mutant", file=sys.stderr)
            print(made[0].output[-3000:], file=sys.stderr)
            return 2

    def judge(mutant: Mutant) -> tuple[Mutant, bool]:
        copy = copies.get()
        try:
            return mutant, copy.kills(mutant)
        finally:
            copies.put(copy)

    reasons, survivors = explained(), 0
    for module in chosen:
        content = (ROOT / SOURCE / f"{module}.py").read_bytes()
        mutants = Finder(module, content).find()
        if not mutants:
            print(f"keyturn: {module}: nothing in it is a guard", file=sys.stderr)
            return 2
        with ThreadPoolExecutor(WORKERS) as pool:
            lived = [mutant for mutant, killed in pool.map(judge, mutants) if not killed]
        unexplained = [mutant for mutant in lived if (module, mutant.change()) not in reasons]
        survivors += len(unexplained)
        print(
            f"{module}: {len(mutants)} mutants, {len(lived)} lived, {len(unexplained)} unexplained",
            flush=True,
        )
        for mutant in unexplained:
            print(f"  {mutant}", flush=True)
        changes = {mutant.change() for mutant in lived}
        for _, change in [key for key in reasons if key[0] == module and key[1] not in changes]:
            survivors += 1
            print(f"  explained, and not alive: {change}", flush=True)
    return 1 if survivors else 0


def main(arguments: list[str]) -> int:
    unknown = [module for module in arguments if module not in MODULES]
    if unknown:
        print(f"keyturn: no guarded module {unknown[0]}; there are: {', '.join(MODULES)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="kt-mutants-") as place:
        return run(arguments or list(MODULES), Path(place))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
