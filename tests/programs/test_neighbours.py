"""Hostile clients of the same user: noise, slowness, crowds; the others are served all the same."""

import contextlib
import os
import random
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.agent import messages, requests
from keyturn.ground import wire
from tests.programs import memory
from tests.programs.user import User

SEED = 20260601
# What hostile company may cost an honest client, beyond what it takes alone (SECURITY 15).
ALLOWED_SECONDS = 0.05
HELLO = wire.frame(bytes([wire.VERSION]) + wire.CONTROL + messages.encode(requests.Hello()))


@pytest.fixture
def agent(user: User) -> Path:
    """The socket of a running agent."""
    user.keyturn("account", "list").succeeds()
    return next((user.runtime / "keyturn").glob("agent-*.sock"))


def connect(agent: Path) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.settimeout(20)
    stream.connect(str(agent))
    return stream


def hello_seconds(agent: Path) -> float:
    """How long an honest question takes."""
    began = time.perf_counter()
    with connect(agent) as stream:
        stream.sendall(HELLO)
        length = wire.frame_length(stream.recv(4))
        answer = messages.decode_response(stream.recv(length))
    assert isinstance(answer, messages.Done)
    return time.perf_counter() - began


def median_hello(agent: Path, times: int = 20) -> float:
    return statistics.median(hello_seconds(agent) for _ in range(times))


def resident_kib(user: User) -> int:
    """The memory of supervisor and keeper together."""
    total = 0
    for pid in memory.pids_with(str(user.runtime)):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total


@contextlib.contextmanager
def company(agent: Path, count: int, first: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many open connections that have sent `first` and nothing else."""
    streams: list[socket.socket] = []
    try:
        for _ in range(count):
            stream = connect(agent)
            streams.append(stream)
            with contextlib.suppress(OSError):
                stream.sendall(first)
        yield streams
    finally:
        for stream in streams:
            stream.close()


def test_noise_is_answered_by_hanging_up_and_the_agent_lives(agent: Path) -> None:
    chance = random.Random(SEED)
    for _ in range(300):
        noise = chance.randbytes(chance.randrange(1, 200))
        if chance.random() < 0.5:
            noise = wire.frame(bytes([wire.VERSION]) + chance.choice([wire.RUN, wire.CONTROL]) + noise)
        with connect(agent) as stream, contextlib.suppress(OSError):
            stream.sendall(noise)
            if chance.random() < 0.7:
                stream.shutdown(socket.SHUT_WR)
                stream.recv(65536)
    assert hello_seconds(agent) < 5


@pytest.mark.parametrize(
    "first",
    [b"", b"\0", b"\0\0\0\x40", b"\xff\xff\xff\xff", (wire.LARGEST_FRAME).to_bytes(4, "big") + b"x" * 1000],
    ids=["silent", "a byte", "an unfinished frame", "a huge length", "a large frame that stops"],
)
def test_others_are_served_beside_silent_and_slow_clients(user: User, agent: Path, first: bytes) -> None:
    alone, before = median_hello(agent), resident_kib(user)
    with company(agent, 200, first):
        beside = median_hello(agent)
        during = resident_kib(user)
    assert beside < alone + ALLOWED_SECONDS, f"{beside:.4f} s beside, {alone:.4f} s alone"
    assert during < before + 40 * 1024, f"memory grew from {before} to {during} KiB"


def test_a_thousand_connections_and_then_calm(user: User, agent: Path) -> None:
    alone, before = median_hello(agent), resident_kib(user)
    with company(agent, 1000):
        assert median_hello(agent) < alone + ALLOWED_SECONDS
    for _ in range(3):
        with company(agent, 300, HELLO):
            pass
    time.sleep(0.5)
    assert median_hello(agent) < alone + ALLOWED_SECONDS
    assert resident_kib(user) < before + 60 * 1024
    keeper = memory.pids_with(str(user.runtime))[-1]
    assert len(os.listdir(f"/proc/{keeper}/fd")) < 60, "descriptors of ended connections are closed"


def test_hanging_up_in_every_state_costs_nobody_else(user: User, agent: Path) -> None:
    user.account()
    request = requests.SignIn(may_ask=True)
    body = bytes([wire.VERSION]) + wire.CONTROL + messages.encode(request)
    whole = wire.frame(body)
    for cut in (1, 3, 4, 5, len(whole) - 1, len(whole)):
        for _ in range(20):
            stream = connect(agent)
            stream.sendall(whole[:cut])
            stream.close()
    assert hello_seconds(agent) < 5


def test_silent_clients_are_dropped(agent: Path) -> None:
    with connect(agent) as stream:
        began = time.monotonic()
        assert stream.recv(1) == b""
        assert time.monotonic() - began < 15
