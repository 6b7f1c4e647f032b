"""Real interactive shells on pseudo-terminals, in which Tab is pressed: what would they offer?

Each has a key that completes what stands in the line, all candidates of it, and writes them to a file. Those
are the shell's own completion widgets, called by its line editor, as for Tab.
"""

import time
from pathlib import Path

import pexpect

from tests.parts import needs
from tests.programs.user import PROMPT, SECONDS, User

KEY = "\x18\x10"  # Ctrl-X Ctrl-P
DONE = 'mv "$HOME/offered.new" "$HOME/offered"'

# insert-completions is Meta-* (readline(3)).
BASH = f"""
. /usr/share/bash-completion/bash_completion
bind 'set enable-bracketed-paste off'
bind '"\\C-x\\C-a": insert-completions'
offer() {{
    printf '%s\\n' "$READLINE_LINE" >"$HOME/offered.new"
    {DONE}
    READLINE_LINE= READLINE_POINT=0
}}
bind -x '"\\C-x\\C-p": offer'
PS1='{PROMPT}'
"""
# compstate[insert]=all: zshcompwid(1).
ZSH = f"""
fpath=(~/functions $fpath)
autoload -Uz compinit
compinit -u -d ~/dump
all-matches() {{ _main_complete; compstate[insert]=all; unset 'compstate[list]' }}
zle -C all-matches complete-word all-matches
offer() {{ zle all-matches; print -r -- "$BUFFER" >~/offered.new; {DONE}; BUFFER= }}
zle -N offer
bindkey '^X^P' offer
PROMPT='{PROMPT}'
"""
FISH = f"""
function fish_greeting; end
function fish_prompt; echo -n '{PROMPT}'; end
function offer
    complete -C (commandline | string collect) >~/offered.new
    {DONE}
    commandline ''
end
bind \\cx\\cp offer
"""
START = {"bash": (".bashrc", BASH), "zsh": (".zshrc", ZSH), "fish": (".config/fish/config.fish", FISH)}


class Completer:
    """One shell. `lines` come before the shell reads plugins.sh, which is what `plugins` are: none, bare."""

    def __init__(
        self, user: User, shell: str, directory: Path, plugins: Path | None = None, lines: str = ""
    ) -> None:
        name, text = START[shell]
        path = user.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}{lines}\n" + (f". {plugins}\n" if plugins is not None else ""))
        # A fish that does not find this begins to write it, and goes on when its terminal is gone.
        (user.home / ".local/share/fish/generated_completions").mkdir(parents=True, exist_ok=True)
        self._shell, self._offered = shell, user.home / "offered"
        # IMDS is asked by an aws without credentials, which takes seconds.
        variables = {**user.environment, "COLUMNS": "200", "AWS_EC2_METADATA_DISABLED": "true"}
        self._child = pexpect.spawn(
            needs(shell),
            [],
            env=variables,
            cwd=str(directory),
            dimensions=(50, 200),
            encoding="utf-8",
            timeout=SECONDS,
        )
        self._child.expect(PROMPT)

    def offers(self, line: str) -> list[str]:
        """All candidates at the end of the line, in the shell's order."""
        self._offered.unlink(missing_ok=True)
        self._child.send(line + ("\x18\x01" if self._shell == "bash" else "") + KEY)
        end = time.monotonic() + SECONDS
        while not self._offered.exists():
            assert time.monotonic() < end, f"{self._shell}: nothing came for {line!r}"
            try:
                self._child.read_nonblocking(65536, 0.01)
            except pexpect.TIMEOUT:
                continue
        text = self._offered.read_text()
        return text.splitlines() if self._shell == "fish" else text.split()

    def run(self, line: str) -> None:
        """Type a command and wait for its end, which a file tells."""
        self._offered.unlink(missing_ok=True)
        self._child.sendline(f"{line}; touch ~/offered")
        end = time.monotonic() + SECONDS
        while not self._offered.exists():
            assert time.monotonic() < end, f"{self._shell}: {line!r} did not end"
            time.sleep(0.02)

    def close(self) -> None:
        self._child.close(force=True)
