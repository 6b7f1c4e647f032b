"""Frames of a hostile client of the same user, in every state of the protocol: agent and others live on."""

import contextlib
import random
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from keyturn.agent import messages, requests
from keyturn.ground import wire
from keyturn.ground.names import new_id
from tests.programs import memory
from tests.programs.test_neighbours import ALLOWED_SECONDS, connect, hello_seconds, resident_kib
from tests.programs.user import User
from tests.vaults.templates import PASSWORD

SEED = 20260602
MEBIBYTE = 1 << 20
GROWTH_KIB = 40 * 1024
OPENING = bytes([wire.VERSION]) + wire.CONTROL


@pytest.fixture
def agent(user: User) -> Path:
    """The socket of an agent with a locked account."""
    user.account()
    return next((user.runtime / "keyturn").glob("agent-*.sock"))


def deep(kind: bytes, depth: int) -> bytes:
    return kind * depth + b"\xc0"


def frames(chance: random.Random) -> Iterator[bytes]:
    """Bodies that are no request, or one with nonsense in it."""
    yield b""
    yield chance.randbytes(chance.randrange(1, 400))
    # Counts and lengths with nothing behind them, and depth that a recursive reader would fall into.
    for head in (
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
    ):
        yield head
        yield msgspec.msgpack.encode({"op": "additem"})[:-1] + head
    yield deep(b"\x91", 50_000)
    yield deep(b"\x81\xa1a", 50_000)
    yield msgspec.msgpack.encode({"op": "hello", "extra": [0] * 10_000})
    yield msgspec.msgpack.encode(
        {"op": "createitem", "title": "x" * MEBIBYTE, "fields": [{"label": "a"}] * 1000}
    )
    yield msgspec.msgpack.encode({"op": "talk", "ticket": new_id()})
    yield msgspec.msgpack.encode({"op": chance.choice(["answer", "cancel", "done", "ask"]), "number": 1})
    for request in chance.sample(requests.ALL, 4):
        content = msgspec.msgpack.encode(
            {"op": request.__name__.lower(), "account": "\ud7ff", "may_ask": True}
        )
        cut = chance.randrange(len(content))
        if request not in (requests.Lock, requests.Stop):
            yield content[:cut] + chance.randbytes(3) + content[cut:]


def say(stream: socket.socket, body: bytes) -> None:
    with contextlib.suppress(OSError):
        stream.sendall(wire.frame(body))


def state_fresh(stream: socket.socket) -> bytes:
    """Nothing was said yet."""
    return OPENING


def state_open(stream: socket.socket) -> bytes:
    """After a request and its answer."""
    say(stream, OPENING + messages.encode(requests.Hello()))
    stream.recv(65536)
    return b""


def state_launcher(stream: socket.socket) -> bytes:
    """Where a launcher's lists are expected."""
    return bytes([wire.VERSION]) + wire.RUN


def state_waiting(stream: socket.socket) -> bytes:
    """While an account is to be unlocked."""
    say(stream, OPENING + messages.encode(requests.ListItems(may_ask=True)))
    return b""


STATES = [state_fresh, state_open, state_launcher, state_waiting]


def attack(agent: Path, chance: random.Random) -> None:
    """Every kind of frame in every state, each on a connection of its own, half of them hung up at once."""
    for state in STATES:
        for body in frames(chance):
            with connect(agent) as stream, contextlib.suppress(OSError):
                stream.settimeout(0.2)
                say(stream, state(stream) + body)
                if chance.random() < 0.5:
                    stream.shutdown(socket.SHUT_WR)
                    stream.recv(65536)


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
)
def test_nonsense_in_every_state(user: User, agent: Path, rounds: int) -> None:
    chance = random.Random(SEED)
    keeper = memory.pids_with(str(user.runtime))[-1]
    attack(agent, chance)
    alone = statistics.median(hello_seconds(agent) for _ in range(20))
    before = resident_kib(user)
    beside = []
    for _ in range(rounds):
        attack(agent, chance)
        beside.append(statistics.median(hello_seconds(agent) for _ in range(5)))
    assert statistics.median(beside) < alone + ALLOWED_SECONDS
    assert resident_kib(user) < before + GROWTH_KIB
    assert memory.pids_with(str(user.runtime))[-1] == keeper, "it was never restarted"
    log = (user.state / "agent.log").read_text()
    assert "failed" not in log, "nothing of it was an error of ours"
    assert "unhandled" not in log
    user.keyturn("signin", "--password-file", user.password_file()).succeeds()


def test_a_stolen_turn_and_wrong_answers(user: User, agent: Path) -> None:
    """While a person is asked at a terminal, a neighbour sends cancellations and tickets of its own."""
    terminal = user.terminal()
    terminal.type("keyturn signin")
    terminal.expect("password of account “Test”: ")
    for body in [
        messages.encode(requests.Talk(ticket=new_id(), may_ask=True)),
        messages.encode(requests.Talk(ticket="", may_ask=True)),
    ]:
        with connect(agent) as stream:
            stream.settimeout(2)
            say(stream, OPENING + body)
            length = wire.frame_length(stream.recv(4))
            assert messages.decode_response(stream.recv(length)) == messages.Done(result=False)
    for number in (-1, 0, 1, 2, 1 << 40):
        with connect(agent) as stream:
            stream.settimeout(2)
            # An answer to no question is passed over; what comes after it is heard.
            say(stream, OPENING + messages.encode(messages.Cancel(number=number)))
            say(stream, messages.encode(requests.Hello()))
            length = wire.frame_length(stream.recv(4))
            assert isinstance(messages.decode_response(stream.recv(length)), messages.Done)
    time.sleep(1)
    terminal.type(PASSWORD)
    terminal.ready()
    assert terminal.status() == 0, "the question was not disturbed"


def test_a_person_may_take_long_before_the_first_request(user: User) -> None:
    """The agent drops who connects and says nothing; a command that asks first has said something."""
    terminal = user.terminal()
    terminal.type("keyturn account create Other")
    terminal.expect("new password for account “Other”: ")
    time.sleep(5.5)
    for _ in range(2):
        terminal.type("another password")
    terminal.ready()
    assert terminal.status() == 0
