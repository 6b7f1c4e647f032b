"""Reads the fenced `console` blocks of a Markdown page: commands, and the output that the page promises.

    ```console
    $ echo one; echo two     a command; `> ` continues it on the next line
    one
    ...                      on its own: any lines, also none
    ```

A `…` inside a line stands for any text. A block fenced as ```console skip="reason" is not run. A page says
what it needs beside the product in a comment on a line of its own: <!-- console: needs aws -->.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^ *(?P<ticks>`{3,}|~{3,}) *(?P<word>[^\s`]*) *(?P<rest>[^`]*)$")
SKIP = re.compile(r'skip="(?P<reason>[^"]+)"')
NEEDS = re.compile(r"^<!-- console: needs (?P<what>.*) -->$")
KNOWN_NEEDS = {"aws", "mfa", "keepassxc", "pass", "secret-service"}


class PageError(Exception):
    """The page itself is wrong; the text names page and line."""


@dataclass
class Step:
    line: int
    command: str
    expected: list[str] = field(default_factory=list)


@dataclass
class Block:
    line: int
    steps: list[Step] = field(default_factory=list)
    skip: str = ""


@dataclass
class Page:
    path: Path
    name: str
    needs: set[str] = field(default_factory=set)
    blocks: list[Block] = field(default_factory=list)

    @property
    def to_run(self) -> list[Block]:
        return [block for block in self.blocks if not block.skip]

    @property
    def skipped(self) -> list[str]:
        return [f"{self.name}:{block.line}: not run: {block.skip}" for block in self.blocks if block.skip]


def read_page(path: Path, name: str) -> Page:
    page = Page(path, name)
    block: Block | None = None
    fence = ""  # the ticks of the block that we are in, of whatever kind
    opened = 0
    for number, text in enumerate(path.read_text().splitlines(), 1):
        where = f"{name}:{number}"
        match = FENCE.match(text)
        if fence:
            if match and not match["word"] and match["ticks"].startswith(fence):
                if block and not block.skip and not block.steps:
                    raise PageError(f"{where}: a console block without a command")
                fence, block = "", None
            elif block:
                read_line(block, text.rstrip(), number, where)
        elif match:
            fence, opened = match["ticks"], number
            if match["word"] == "console":
                block = open_block(match["rest"].strip(), number, where)
                page.blocks.append(block)
        elif needs := NEEDS.match(text):
            page.needs |= set(needs["what"].split())
            if not page.needs <= KNOWN_NEEDS:
                raise PageError(f"{where}: unknown need; known are: {', '.join(sorted(KNOWN_NEEDS))}")
    if fence:
        raise PageError(f"{name}:{opened}: a block that is not closed")
    return page


def open_block(rest: str, number: int, where: str) -> Block:
    if not rest:
        return Block(number)
    skip = SKIP.fullmatch(rest)
    if not skip:
        raise PageError(f'{where}: after ```console only skip="reason" may stand, not {rest!r}')
    return Block(number, skip=skip["reason"])


def read_line(block: Block, text: str, number: int, where: str) -> None:
    if block.skip:
        return
    steps = block.steps
    if text == "$" or text.startswith("$ "):
        steps.append(Step(number, text[2:]))
    elif not steps:
        raise PageError(f"{where}: output before the first command of a console block")
    elif text.startswith("> ") and not steps[-1].expected:
        steps[-1].command += "\n" + text[2:]
    else:
        steps[-1].expected.append(text)


def read_pages(root: Path) -> list[Page]:
    """README.md, and of docs/ the pages that have a block. Without a block in the README it is an error."""
    readme = root / "README.md"
    if not readme.exists():
        raise PageError("README.md: does not exist")
    files = [readme, *sorted((root / "docs").rglob("*.md"))]
    pages = [read_page(file, str(file.relative_to(root))) for file in files]
    if not pages[0].to_run:
        raise PageError("README.md: no console block that is run")
    return [page for page in pages if page.blocks]


def matches(expected: list[str], actual: list[str]) -> bool:
    """Whether the output is what the page says, `...` and `…` given their meaning."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += r"[^\n]*".join(re.escape(part) for part in line.split("…")) + r"\n"
    text = "".join(line.rstrip() + "\n" for line in actual)
    return re.fullmatch(pattern, text) is not None
