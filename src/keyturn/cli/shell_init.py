"""`keyturn shell-init`: what plugins.sh does, on stdout, for start-up files that are kept in a repository."""

from __future__ import annotations

import click

from keyturn.cli import output
from keyturn.cli.context import current
from keyturn.shells import launcher, plugins_sh


@click.command("shell-init")
@click.argument("shell", type=click.Choice(plugins_sh.SHELLS))
def shell_init(shell: str) -> None:
    """Print what makes SHELL run the wrapped commands with credentials.

    \b
    bash, zsh   eval "$(keyturn shell-init bash)"
    fish        keyturn shell-init fish | source
    pwsh        keyturn shell-init pwsh | Out-String | Invoke-Expression
    nu          keyturn shell-init nu | save --force ~/.keyturn.nu    (and: source ~/.keyturn.nu)

    It wraps what `keyturn plugin init` has set up on this machine, as plugins.sh does, which is faster to
    source. A machine where nothing is set up gets nothing, and no complaint.
    """
    context = current()
    directories = context.world.directories
    names = plugins_sh.wrapped(directories.plugins_sh)
    command = launcher.command(directories, context.interpreter)
    if names:
        launcher.renew(directories, context.interpreter, create=True)
    # Nushell tells its version to what it starts.
    version = context.world.environment.get("NU_VERSION", "")
    output.data(plugins_sh.render_for(shell, names, command, version))
