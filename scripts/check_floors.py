"""Checks that the house of src/keyturn stands as designed; prints one `path:line: message` a violation.

Imports go downwards only, and rooms of one floor do not import each other; imports under `if TYPE_CHECKING`
and inside functions count. The modules of a room import each other without cycles. Only the ground and
cli/main.py read the environment and the clock; only the command line prints and exits. No file outgrows one
sitting.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

FLOORS = {
    1: ("ground",),
    2: ("items", "otp", "processes"),
    3: ("sdk", "vaults", "auth", "scopes", "shells", "plaintext"),
    4: ("aws", "catalogue"),
    5: ("agent",),
    6: ("cli",),
}
ROOMS = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
# Outside the floors: what each may import.
OUTSIDE: dict[str, tuple[str, ...]] = {"keyturn": (), "keyturn.__main__": ("cli", "ground")}

# Generated into a file that runs under `python -IS`; only what is built in starts fast enough.
LAUNCHER = ("src/keyturn/shells/launcher_template.py", "src/keyturn/shells/launcher_path.py")
LAUNCHER_IMPORTS = {"sys", "posix", "_socket", "_signal", "errno", "time"}

WORLD = {
    *("os.environ", "os.environb", "os.getenv", "os.getenvb", "posix.environ"),
    *("os.path.expanduser", "os.path.expandvars", "pathlib.Path.home"),
    *(f"time.{clock}" for clock in ("time", "monotonic", "perf_counter", "clock_gettime")),
    *(f"time.{clock}_ns" for clock in ("time", "monotonic", "perf_counter", "clock_gettime")),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
}
WORLD_METHODS = {"expanduser"}  # on whatever object
READS_THE_WORLD = ("ground", "cli.main")
VOICE = {"print", "sys.exit", "exit", "quit", "SystemExit", "builtins.print"}
HAS_A_VOICE = ("cli", "__main__")

LONGEST = 330
MEASURED = ("src", "tests", "scripts")

# (path, rule) → why it may. An entry that nothing needs any more is itself a violation.
ALLOWED: dict[tuple[str, str], str] = {
    ("src/keyturn/agent/helper.py", "voice"): "a program of its own, run by exec",
    ("src/keyturn/agent/supervisor.py", "voice"): "a program of its own, run by exec",
}


class Violation(NamedTuple):
    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Import(NamedTuple):
    target: str  # a module of keyturn, as far as one of that name exists
    line: int
    at_start: bool  # runs when the module is imported


@dataclass(frozen=True)
class Module:
    path: str
    name: str
    is_package: bool
    tree: ast.Module

    @property
    def inner_name(self) -> str:
        return self.name.removeprefix("keyturn").removeprefix(".")

    @property
    def room(self) -> str:
        return self.inner_name.partition(".")[0]

    def is_in(self, places: tuple[str, ...]) -> bool:
        return any(self.inner_name == place or self.inner_name.startswith(place + ".") for place in places)

    @cached_property
    def names(self) -> dict[str, str]:
        """What a local name stands for, by the imports: {"now": "time.time"}."""
        table: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.partition(".")[0]
                    table[alias.asname or root] = alias.name if alias.asname else root
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                for alias in node.names:
                    table[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return table

    def dotted(self, node: ast.expr) -> str:
        """The full name of `a.b.c`, with imports resolved; what is no name in it becomes a `?`."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        return "?"


def read_module(root: Path, file: Path) -> Module:
    path = file.relative_to(root)
    parts = path.with_suffix("").parts[1:]
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    return Module(str(path), name, is_package, ast.parse(file.read_bytes()))


def nodes_with_time(node: ast.AST, at_start: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Every node below, with whether it runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        later = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        only_for_types = (
            isinstance(node, ast.If)
            and child in node.body
            and any(
                "TYPE_CHECKING" in (getattr(n, "id", ""), getattr(n, "attr", "")) for n in ast.walk(node.test)
            )
        )
        runs = at_start and not later and not only_for_types
        yield child, runs
        yield from nodes_with_time(child, runs)


def import_targets(module: Module, node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:  # the dots of a relative import
            package = module.name.split(".")
            package = package[: len(package) - node.level + module.is_package]
            base = ".".join([*package, base]).rstrip(".")
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and module.dotted(node.func) in {"importlib.import_module", "__import__"}:
        return [str(name.value) for name in node.args[:1] if isinstance(name, ast.Constant)]
    return []


def imports_of(module: Module, known: set[str]) -> Iterator[Import]:
    for node, at_start in nodes_with_time(module.tree):
        for target in import_targets(module, node):
            if target.partition(".")[0] != "keyturn":
                continue
            holder, _, name = target.rpartition(".")
            may_be_attribute = isinstance(node, ast.ImportFrom) and not (
                holder == "keyturn" and name in ROOMS
            )
            is_attribute = may_be_attribute and target not in known and holder in known
            yield Import(holder if is_attribute else target, getattr(node, "lineno", 1), at_start)


def check_imports(module: Module, imports: list[Import]) -> Iterator[Violation]:
    for target, line, _ in imports:
        room = target.split(".")[1] if "." in target else ""
        wrong = ""
        if not room:
            continue  # the package itself: its version
        if room not in ROOMS:
            wrong = f"{target} is in no room that has a floor"
        elif module.name in OUTSIDE:
            if room not in OUTSIDE[module.name]:
                wrong = f"{module.name} may not import {target}"
        elif module.room in ROOMS and room != module.room:
            here, there = ROOMS[module.room], ROOMS[room]
            if there > here:
                wrong = f"{module.room} (floor {here}) imports upwards: {target} (floor {there})"
            elif there == here:
                wrong = f"{module.room} and {room} are rooms of one floor, and {target} is imported"
        if wrong:
            yield Violation(module.path, line, "import", wrong)


def check_launcher(module: Module) -> Iterator[Violation]:
    for node in ast.walk(module.tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom, ast.Call)):
            continue
        targets = [node.module or "."] if isinstance(node, ast.ImportFrom) else import_targets(module, node)
        for target in targets:
            if target not in LAUNCHER_IMPORTS:
                message = f"the launcher may import only what is built into the interpreter, not {target}"
                yield Violation(module.path, node.lineno, "launcher", message)


def check_words(module: Module) -> Iterator[Violation]:
    """The environment, the clock, printing and ending: each only where it belongs."""
    for node in ast.walk(module.tree):
        names: list[str] = []
        if isinstance(node, (ast.Name, ast.Attribute)):
            names = [module.dotted(node)]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            line = getattr(node, "lineno", 1)
            reads = name in WORLD or ("." in name and name.rpartition(".")[2] in WORLD_METHODS)
            if reads and not module.is_in(READS_THE_WORLD):
                message = f"{name}: only the ground and cli/main.py read the environment and the clock"
                yield Violation(module.path, line, "world", message)
            if name in VOICE and not module.is_in(HAS_A_VOICE):
                message = f"{name}: only the command line prints and exits"
                yield Violation(module.path, line, "voice", message)


def check_cycles(modules: dict[str, Module], imports: dict[str, list[Import]]) -> Iterator[Violation]:
    """Depth first through each room; an import that leads back to a module on the way closes a cycle."""
    done: set[str] = set()
    way: list[str] = []

    def visit(name: str) -> Iterator[Violation]:
        way.append(name)
        for target, line, at_start in imports[name]:
            if not at_start or target not in modules or modules[target].room != modules[name].room:
                continue
            if target in way and target != name:
                circle = " → ".join([*way[way.index(target) :], target])
                yield Violation(modules[name].path, line, "cycle", f"imports in a circle: {circle}")
            elif target not in done and target != name:
                yield from visit(target)
        way.pop()
        done.add(name)

    for name in sorted(modules):
        if name not in done:
            yield from visit(name)


def check_lengths(root: Path) -> Iterator[Violation]:
    for part in MEASURED:
        for file in sorted((root / part).rglob("*.py")):
            lines = len(file.read_bytes().splitlines())
            if lines > LONGEST:
                message = f"{lines} lines; {LONGEST} is the most that is read in one sitting"
                yield Violation(str(file.relative_to(root)), LONGEST + 1, "length", message)


def violations(root: Path) -> Iterator[Violation]:
    modules: dict[str, Module] = {}
    for file in sorted((root / "src/keyturn").rglob("*.py")):
        try:
            module = read_module(root, file)
        except SyntaxError as error:
            path = str(file.relative_to(root))
            yield Violation(path, error.lineno or 1, "syntax", f"cannot be parsed: {error.msg}")
            continue
        if module.path in LAUNCHER:
            yield from check_launcher(module)
        else:
            modules[module.name] = module
    if not modules:
        yield Violation("src/keyturn", 1, "empty", "no module found: nothing was checked")

    imports = {name: list(imports_of(module, set(modules))) for name, module in modules.items()}
    for name, module in modules.items():
        if module.room not in ROOMS and name not in OUTSIDE:
            yield Violation(
                module.path, 1, "unknown", f"{module.room} has no floor in scripts/check_floors.py"
            )
        yield from check_imports(module, imports[name])
        yield from check_words(module)
    yield from check_cycles(modules, imports)
    yield from check_lengths(root)


def check(root: Path, allowed: dict[tuple[str, str], str]) -> list[str]:
    """The violations that no entry allows, and the entries that allow nothing."""
    unused = dict(allowed)
    lines = []
    for violation in violations(root):
        entry = (violation.path, violation.rule)
        unused.pop(entry, None)
        if entry not in allowed:
            lines.append(str(violation))
    lines += [f"{path}:1: allowed to break {rule!r}, but does not" for path, rule in unused]
    return lines


def main() -> int:
    lines = check(Path(__file__).resolve().parent.parent, ALLOWED)
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
