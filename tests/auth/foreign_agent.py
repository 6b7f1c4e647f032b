"""Somebody else's authentication agent, as a desktop has one: written apart from ours, for one process."""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from jeepney import DBusAddress, HeaderFields, MatchRule, new_error, new_method_call, new_method_return
from jeepney.io.asyncio import DBusRouter, open_dbus_router

AUTHORITY = DBusAddress(
    "/org/freedesktop/PolicyKit1/Authority",
    bus_name="org.freedesktop.PolicyKit1",
    interface="org.freedesktop.PolicyKit1.Authority",
)
AGENT = "org.freedesktop.PolicyKit1.AuthenticationAgent"
PATH = "/org/example/desktop"
HELPER = "/usr/lib/polkit-1/polkit-agent-helper-1"


def start_time(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[19])


@asynccontextmanager
async def foreign_agent(manner: str) -> AsyncIterator[list[str]]:
    """Serve while the block runs; yields the list of what was seen.

    `manner`: `dismiss`, `hang`, `fail`, `fake` (say that all is well without authenticating anybody), or a
    password to type.
    """
    seen: list[str] = []
    async with open_dbus_router("unix:path=/run/dbus/system_bus_socket") as router:
        named = {
            "pid": ("u", os.getpid()),
            "start-time": ("t", start_time(os.getpid())),
            "uid": ("i", os.getuid()),
        }
        body = (("unix-process", named), "C.UTF-8", PATH)
        register = new_method_call(AUTHORITY, "RegisterAuthenticationAgent", "(sa{sv})ss", body)
        reply = await router.send_and_get_reply(register)
        assert reply.body == (), reply.body
        with router.filter(MatchRule(type="method_call", interface=AGENT), queue=asyncio.Queue()) as calls:
            task = asyncio.create_task(serve(router, calls, manner, seen))
            try:
                yield seen
            finally:
                # What polkit says when a dialog is taken back comes a moment later.
                await asyncio.sleep(0.2 if manner == "hang" else 0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


async def serve(router: DBusRouter, calls: "asyncio.Queue[Any]", manner: str, seen: list[str]) -> None:
    while True:
        call = await calls.get()
        if call.header.fields[HeaderFields.member] != "BeginAuthentication":
            print('["agent", "taken back"]', flush=True)
            await router.send(new_method_return(call))
            continue
        action, message, _, _, cookie, _ = call.body
        seen += [action, message]
        print(f'["agent", "{action}"]', flush=True)
        if manner == "hang":
            continue
        error = ""
        if manner == "dismiss":
            error = "org.freedesktop.PolicyKit1.Error.Cancelled"
        elif manner == "fail":
            error = "org.freedesktop.PolicyKit1.Error.Failed"
        elif manner != "fake":
            await authenticate(cookie, manner)
        await router.send(new_error(call, error, "s", ("no",)) if error else new_method_return(call))


async def authenticate(cookie: str, password: str) -> None:
    helper = await asyncio.create_subprocess_exec(
        HELPER,
        pwd.getpwuid(os.getuid()).pw_name,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await helper.communicate(f"{cookie}\n{password}\n".encode())
