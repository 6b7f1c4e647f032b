"""What the launcher becomes when it cannot go on alone: start the agent, or ask the person; then it goes on.

    __launch CONFIG DATA STATE RUNTIME ATTEMPT PATH NAME [ARGUMENT…]
    __talk   CONFIG DATA STATE RUNTIME TICKET  PATH NAME [ARGUMENT…]

PATH is the executable that the launcher found, NAME and the arguments are as the person typed them.

The process stays the same from launcher to CLI to launcher to command: same pid, same job of the shell.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from keyturn.cli.context import Context
from keyturn.cli.ending import guarded, leave
from keyturn.ground import wire
from keyturn.ground.errors import Status, UsageError
from keyturn.ground.paths import Directories
from keyturn.ground.world import World, here
from keyturn.processes import bare, private
from keyturn.shells import launcher, path_search


def main(verb: str, words: list[str]) -> NoReturn:
    """Never returns: becomes the launcher or the command, or ends with an error's status."""
    if len(words) < 7:
        leave(guarded(lambda: _usage()))
    directories = Directories(*map(Path, words[:4]))
    detail, path, command = words[4], words[5], words[6:]
    world = _world_of(here(), directories)
    if verb == "__talk":
        _talk(world, detail, command)
    _launch(world, int(detail), path, command)


def _usage() -> NoReturn:
    raise UsageError("this is called by the launcher")


def _world_of(world: World, directories: Directories) -> World:
    """This process's world, with the directories that the launcher was made for."""
    return World(
        {**world.environment, **directories.as_environment()}, world.uid, world.clock, world.variables
    )


def _launch(world: World, attempt: int, path: str, command: list[str]) -> NoReturn:
    """With no agent running: a call that needs no credentials runs at once, else the agent is started."""
    leave(guarded(lambda: _launch_or_raise(world, attempt, path, command)))
    raise AssertionError("leave does not return")


def _launch_or_raise(world: World, attempt: int, path: str, command: list[str]) -> NoReturn:
    from keyturn.agent.requests import Hello
    from keyturn.catalogue import loader, unlisted

    loader.use(world.directories.config, world.uid)
    named = world.environment.get(unlisted.VARIABLE, "")
    plugin, executable = unlisted.find(os.path.basename(command[0]), named)
    rules = plugin.executable(executable) if plugin is not None else None
    words = [os.fsencode(word) for word in command]
    if rules is not None and not rules.needs_authentication(words[1:]):
        mark = path_search.tried(os.fsencode(path), words, world.variables, world.directories.shims)
        hidden = [unlisted.VARIABLE.encode()]
        bare.execute(os.fsencode(path), words, world.variables, mark, hidden)
    context = Context(world=world)
    context.connect()
    # Says so if the agent is of another version: the launcher, renewed, would only be sent here again.
    context.agent.call(Hello())
    context.agent.close()
    _become_launcher(world, attempt, command)


def _talk(world: World, ticket: str, command: list[str]) -> NoReturn:
    """Elected: hold the conversation in a child that nobody can read, then go on as the launcher."""
    context = Context(world=world)
    status = guarded(context.connect)
    if status == Status.OK:
        status = private.run_privately(lambda: guarded(lambda: _answer(context, ticket, command[0])))
    if status == Status.OK:
        context.agent.close()
        status = guarded(lambda: _become_launcher(world, 0, command))
    leave(status)
    raise AssertionError("leave does not return")


def _answer(context: Context, ticket: str, command: str) -> None:
    """Do what the agent wants of the person: mostly to talk, sometimes to choose or to mend something."""
    is_choice = ticket == wire.CHOOSE
    if not is_choice and not ticket.startswith(wire.MEND):
        _report(context, ticket)
        return
    # Only now, for a question that waits must come at once.
    from keyturn.catalogue import loader
    from keyturn.cli import first_choice

    loader.use(context.world.directories.config, context.world.uid)

    if is_choice:
        first_choice.choose(context, command)
    else:
        first_choice.mend(context, command, ticket.removeprefix(wire.MEND))


def _report(context: Context, ticket: str) -> None:
    from keyturn.agent.requests import Talk

    talk = Talk(ticket=ticket, may_ask=True, has_browser=context.has_browser)
    context.agent.call(talk, context.terminal, may_execute=True)


def _become_launcher(world: World, attempt: int, command: list[str]) -> NoReturn:
    context = Context(world=world)
    directories = world.directories
    launcher.renew(directories, context.interpreter, create=True)
    words = launcher.command(directories, context.interpreter)
    if attempt:
        words.append(f"+{attempt}")
    bare.execute(os.fsencode(words[0]), [os.fsencode(word) for word in [*words, *command]], world.variables)
