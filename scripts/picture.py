"""docs/picture.svg: what a terminal shows, from a real run against the local AWS.

    make picture

One bash on a pseudo-terminal, its screen taken twice: while the question is open, and after it. Of the run
only the path of the throw-away home is replaced, by /home/ada.
"""

import sys
from html import escape
from pathlib import Path

from tests.aws_server.client import LocalAws
from tests.programs.user import PROMPT, Terminal, User

PICTURE = Path(__file__).resolve().parent.parent / "docs/picture.svg"
NAME = "ada"
PASSWORD = "open sesame EXAMPLE"
COLUMNS = 92
IDENTITY = "aws sts get-caller-identity --query Arn --output text"
SECOND = "aws iam list-users --query 'Users[].UserName' --output text"

# A 14 px monospaced letter is 8.4 px wide: 92 of them and the margins.
WIDTH, MARGIN, LINE, TITLE_BAR, GAP = 820, 20, 22, 30, 18
STYLE = """
  .window { fill: #1c2128; stroke: #444c56 }
  .bar { fill: #2d333b }
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
  text { fill: #adbac7; white-space: pre }
  .title { fill: #768390 }
  .typed { fill: #f0f6fc }
  .prompt { fill: #57ab5a }
  .asked { fill: #daaa3f }
"""


def set_up(user: User, aws: LocalAws) -> None:
    """Import ada's key by flags, as a script would; then lock."""
    user.variables.update(aws.environment())
    user.aws_files(aws.credentials_text(NAME), aws.config_text())
    flags = ["--import-profile", "default", "--remove-plaintext", "--no-input"]
    user.keyturn("plugin", "init", "aws", *flags, "--password-file", user.password_file(PASSWORD)).succeeds()
    user.keyturn("lock").succeeds()


def record(user: User, aws: LocalAws) -> list[tuple[str, list[str]]]:
    """Two screens of one terminal, each with its caption."""
    terminal = user.terminal(columns=COLUMNS)
    for command in (IDENTITY, "source ~/.config/keyturn/plugins.sh"):
        type_and_wait(terminal, command)
    terminal.type(IDENTITY)
    terminal.expect("password of account “personal”: ")
    asked = screen(terminal, user)
    terminal.type(PASSWORD)
    terminal.ready()
    type_and_wait(terminal, SECOND)
    answered = screen(terminal, user)
    for shown, told in ((asked, "Unable to locate credentials"), (answered, aws.users[NAME].arn)):
        if not any(told in line for line in shown):
            raise RuntimeError(f"the terminal does not show “{told}”:\n" + "\n".join(shown))
    return [
        ("bare, without its key; then wrapped: asked once", asked),
        ("answered: the question is gone, and the next command asks nothing", answered),
    ]


def type_and_wait(terminal: Terminal, command: str) -> None:
    terminal.type(command)
    terminal.expect(r"\r\n")
    terminal.ready()


def screen(terminal: Terminal, user: User) -> list[str]:
    lines = [line.replace(str(user.home), "/home/ada") for line in terminal.screen()]
    prompt = PROMPT.strip()
    return [f"${line.removeprefix(prompt)}" if line.startswith(prompt) else line for line in lines]


def render(screens: list[tuple[str, list[str]]]) -> str:
    """The screens as windows below each other, as one SVG."""
    parts: list[str] = []
    top = 0
    for caption, lines in screens:
        height = TITLE_BAR + MARGIN + len(lines) * LINE
        parts.append(f'<g transform="translate(0 {top})">')
        parts.append(f'<rect class="window" x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="8"/>')
        curve = f"M1 {TITLE_BAR}V9a8 8 0 0 1 8-8h{WIDTH - 18}a8 8 0 0 1 8 8v{TITLE_BAR - 9}z"
        parts.append(f'<path class="bar" d="{curve}"/>')
        parts.append(f'<text class="title" x="{MARGIN}" y="20">{escape(caption)}</text>')
        for number, line in enumerate(lines):
            parts.append(text(line, TITLE_BAR + LINE * (number + 1), is_last=number == len(lines) - 1))
        parts.append("</g>")
        top += height + GAP
    height = top - GAP
    described = escape("; ".join(caption for caption, _ in screens))
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    title = f"<title>A terminal: {described}</title>"
    return "\n".join([head, title, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def text(line: str, y: int, *, is_last: bool) -> str:
    """One line of the terminal; the cursor stands behind the last."""
    if line.startswith("$"):
        inner = f'<tspan class="prompt">$</tspan><tspan class="typed">{escape(line[1:])}</tspan>'
    elif "wants to use" in line or line.startswith(("in /", "password of")):
        inner = f'<tspan class="asked">{escape(line)}</tspan>'
    else:
        inner = escape(line)
    cursor = '<tspan class="typed"> █</tspan>' if is_last else ""
    return f'<text x="{MARGIN}" y="{y}">{inner}{cursor}</text>'


def draw() -> str:
    with LocalAws(NAME) as aws, User() as user:
        set_up(user, aws)
        return render(record(user, aws))


def main() -> int:
    drawn = draw()
    if "--check" in sys.argv[1:]:
        if PICTURE.read_text() == drawn:
            return 0
        print(f"{PICTURE.name} is not what a run shows now: make picture")
        return 1
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
