"""A program of the same user that tries to read the memory of every process from its first moment on.

    python -I watcher.py PLACE [SECRET…]

Tries again and again to open /proc/PID/mem of every process that comes after it, keeps every descriptor that
it gets, and reads all of them over and over until PLACE/stop is there. What it gets hold of is appended to
PLACE/found, a line each: `opened PID WORDS` or `read SECRET PID WORDS`. Secret keys of age, recovery codes
among them, are looked for besides the secrets that are named.
"""

import contextlib
import os
import re
import socket
import sys
from pathlib import Path

# Pids are given in order: the next ones are tried before they are there.
AHEAD = 48
# A process that others cannot open may be opened later, after an exec; so none is given up while it lives.
PER_PROCESS = 40
READ_AT_ONCE = 1 << 22
AGE_KEY = re.compile(rb"AGE-SECRET-KEY-1[0-9A-Z]{40,}")


def words(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    return "?"


def open_memory(pid: int) -> tuple[int, int] | None:
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except OSError:
        return None
    try:
        return memory, os.open(f"/proc/{pid}/maps", os.O_RDONLY)
    except OSError:
        os.close(memory)
        return None


def watch(place: Path, reader: socket.socket) -> None:
    """Open whatever can be opened, and hand it to the reader."""
    last = os.getpid()
    alive: set[int] = set()
    kept: dict[int, int] = {}
    seen: dict[int, bytes] = {}
    ignored = {os.getpid(), os.getppid(), *map(int, filter(str.isdigit, os.listdir("/proc")))}
    while not (place / "stop").exists():
        for _ in range(20):
            for pid in [*range(last + 1, last + AHEAD), *alive]:
                if pid in ignored:
                    continue
                if not os.path.exists(f"/proc/{pid}"):
                    alive.discard(pid)
                    continue
                alive.add(pid)
                last = max(last, pid)
                if kept.get(pid, 0) >= PER_PROCESS or (pair := open_memory(pid)) is None:
                    continue
                first = b""
                with contextlib.suppress(OSError):
                    first = os.pread(pair[1], 32, 0)
                # The same memory again? Where it lies is another place after each exec.
                if first and seen.get(pid) != first:
                    seen[pid] = first
                    kept[pid] = kept.get(pid, 0) + 1
                    socket.send_fds(reader, [f"{pid} {words(pid)}".encode()], list(pair))
                for descriptor in pair:
                    os.close(descriptor)


def read(place: Path, opener: socket.socket, secrets: list[bytes]) -> None:
    """Read what was opened, until the memory is gone."""
    opener.setblocking(False)
    pairs: list[tuple[int, int, str]] = []
    told: set[tuple[str, bytes]] = set()
    with open(place / "found", "a", buffering=1) as found:
        while not (place / "stop").exists():
            with contextlib.suppress(BlockingIOError):
                while True:
                    said, descriptors, _, _ = socket.recv_fds(opener, 4096, 2)
                    if not said:
                        return
                    pairs.append((descriptors[0], descriptors[1], said.decode(errors="replace")))
                    print("opened", pairs[-1][2], file=found)
            for pair in list(pairs):
                content = private_memory(pair[0], pair[1])
                if content is None:
                    pairs.remove(pair)
                    os.close(pair[0])
                    os.close(pair[1])
                    continue
                for secret in [secret for secret in secrets if secret in content] + AGE_KEY.findall(content):
                    if (pair[2], secret) not in told:
                        told.add((pair[2], secret))
                        print("read", secret.decode(), pair[2], file=found)


def private_memory(memory: int, maps: int) -> bytes | None:
    """The writable memory behind a descriptor; None when it is gone."""
    try:
        text = b""
        offset = 0
        while part := os.pread(maps, 1 << 16, offset):
            text += part
            offset += len(part)
    except OSError:
        return None
    content = b""
    for line in text.splitlines():
        span, access = line.split()[:2]
        if access[:2] == b"rw":
            low, high = (int(number, 16) for number in span.split(b"-"))
            with contextlib.suppress(OSError, OverflowError):
                content += os.pread(memory, min(high - low, READ_AT_ONCE), low)
    return content if text else None


def main() -> None:
    place, secrets = Path(sys.argv[1]), [word.encode() for word in sys.argv[2:]]
    opener, reader = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    if os.fork() == 0:
        opener.close()
        try:
            read(place, reader, secrets)
        finally:
            os._exit(0)
    reader.close()
    (place / "watching").touch()
    watch(place, opener)
    os.wait()


if __name__ == "__main__":
    main()
