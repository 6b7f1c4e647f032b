"""The Assuan protocol, on real pipes: what is written, and what is believed of what is read."""

import asyncio
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.ground.secret import Secret
from keyturn.processes import assuan
from keyturn.processes.assuan import Assuan, GarbledError, RefusedError

# What means something in a line, more often than by chance; and long enough to be cut.
SPECIAL = st.text(st.sampled_from("%0123456789ABCDEFabcdef\r\n é€😀"))
TEXT = st.builds(lambda text, times: text * times, st.text() | SPECIAL, st.integers(1, 1000))
WORD = st.sampled_from(["SETDESC", "SETPROMPT", "GETPIN"])


def as_a_server_reads(request: bytes) -> tuple[bytes, bytes]:
    """The command and its argument by libassuan's own rules: up to LF, 1000 bytes, `%XX` decoded."""
    assert request.count(b"\n") == 1, "more than one line"
    assert request.endswith(b"\n")
    line = request[:-1]
    assert len(line) <= 1000
    assert b"\r" not in line
    word, _, argument = line.partition(b" ")
    decoded = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), argument)
    return word, decoded


@given(WORD, TEXT)
def test_a_text_is_one_line_and_arrives_as_it_was(word: str, text: str) -> None:
    received, argument = as_a_server_reads(assuan.line(word, text))
    assert received == word.encode()
    sent = text.encode("utf-8", "replace")
    assert sent.startswith(argument)
    argument.decode()
    if 3 * len(sent) < 900:
        assert argument == sent


@given(TEXT)
def test_only_what_has_no_place_is_cut(text: str) -> None:
    line = assuan.line("SETDESC", text)
    _, argument = as_a_server_reads(line)
    if argument != text.encode("utf-8", "replace"):
        # A character takes four bytes at most.
        assert len(line) > 1000 - 4


@given(st.binary(max_size=500))
def test_data_that_a_server_escapes_is_read_back(data: bytes) -> None:
    escaped = re.sub(rb"[%\r\n]", lambda found: b"%%%02X" % found[0][0], data)
    assert assuan.unescape(escaped) == data


@pytest.mark.parametrize("data", [b"%", b"a%2", b"%zz", b"%2 5", b"%%25"])
def test_a_percent_sign_alone_is_not_data(data: bytes) -> None:
    with pytest.raises(GarbledError):
        assuan.unescape(data)


def answer(reply: bytes, *, ends: bool = True) -> Secret:
    """What a program's reply is to us."""

    async def ask() -> Secret:
        reading, writing = os.pipe()
        # By a thread: more than a pipe holds waits, and gets an error without a reader, as a program would.
        feeding = asyncio.create_task(asyncio.to_thread(_feed, writing, reply, ends))
        stream = asyncio.StreamReader(limit=assuan.READ_AHEAD)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", buffering=0)
        )
        try:
            async with asyncio.timeout(5):
                return await Assuan(stream, Written()).request("GETPIN")  # type: ignore[arg-type]
        finally:
            transport.close()
            await feeding
            if not ends:
                os.close(writing)

    return asyncio.run(ask())


class Written:
    """The other pipe: nobody looks at what is written to it here."""

    def write(self, data: bytes) -> None:
        assert data == b"GETPIN\n"


def _feed(descriptor: int, content: bytes, ends: bool) -> None:
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    except BrokenPipeError:
        pass
    finally:
        if ends:
            os.close(descriptor)


@pytest.mark.parametrize(
    ("reply", "secret"),
    [
        (b"D secret\nOK\n", "secret"),
        (b"OK\n", ""),
        (b"OK closing\n", ""),
        (b"# hello\nS PASSWORD_FROM_CACHE\nD a%25b%0Ac\nOK\n", "a%b\nc"),
        (b"D one\nD  two\nOK\n", "one two"),
        ("D pässwörd\nOK\n".encode(), "pässwörd"),
        (b"D \xff\nOK\n", "\udcff"),
    ],
)
def test_an_answer(reply: bytes, secret: str) -> None:
    assert answer(reply).reveal() == secret


@pytest.mark.parametrize(
    ("reply", "code"),
    [(b"ERR 83886179 Operation cancelled <Pinentry>\n", 99), (b"ERR 62\n", 62), (b"D x\nERR 99 no\n", 99)],
)
def test_a_refusal_has_its_code(reply: bytes, code: int) -> None:
    with pytest.raises(RefusedError) as caught:
        answer(reply)
    assert caught.value.code == code


CANARY = "canary-EXAMPLE"


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        f"D {CANARY}".encode(),
        f"D {CANARY}\n".encode(),
        f"D {CANARY}%\nOK\n".encode(),
        f"{CANARY}\n".encode(),
        f"D {CANARY}\nINQUIRE QUALITY {CANARY}\nOK\n".encode(),
        b"OKAY\n",
        b"ERR\n",
        b"ERR x\n",
        b"ERR 99999999999\n",
        b"err 99\n",
        b"D\nOK\n",
        b"\n",
        b"# x\n" * 201 + b"OK\n",
        (b"D " + b"x" * 990 + b"\n") * 9 + b"OK\n",
        b"D " + b"x" * 2000 + b"\nOK\n",
        CANARY.encode() * 1_000_000,
        b"\x00\xff" * 1000,
    ],
    ids=range(18),
)
def test_what_is_no_reply_is_refused_and_not_repeated(reply: bytes) -> None:
    with pytest.raises(GarbledError) as caught:
        answer(reply)
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in repr(error)
        assert CANARY.encode() not in getattr(error, "partial", b"")
        error = error.__context__


def test_a_line_that_never_ends_is_not_stored() -> None:
    """Without an end of the pipe as well: the limit is the line's length, not the time."""
    with pytest.raises(GarbledError):
        answer(b"x" * 50_000, ends=False)
