"""The targets on their seeds and on what hypothesis makes of these; `make fuzz` goes on by coverage."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.targets import TARGETS

PIECES = [
    b"",
    b"\0",
    b"\xff",
    b"\n",
    b" ",
    b"9" * 20,
    b'"',
    b"\\u0000",
    b"{}",
    b"[]",
    b"-",
    b"\xc3\x28",
    b"1e9",
]


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_alive(target: str) -> None:
    """The parser takes one of them at least; what it refuses, it refuses as documented."""
    taken = [TARGETS[target](content) for content in seeds.of(target)]
    assert any(taken), "nothing of it is taken, so that a fuzzer would only see refusals"


def test_seeds_are_what_the_product_writes() -> None:
    for target, contents in seeds.make().items():
        assert contents == seeds.of(target)[: len(contents)], f"python -m tests.fuzz.seeds: {target}"


def test_no_seeds_are_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(seeds, "FOLDER", tmp_path)
    with pytest.raises(AssertionError, match="has no seeds"):
        seeds.of("vault")


def check_changes(target: str, data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(seeds.of(target)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.sampled_from([0, 1, 2, 8, 10_000])))
        piece = data.draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        if data.draw(st.booleans()):
            piece = content[end : end + 40] + piece
        content = content[:start] + piece + content[end:]
    TARGETS[target](content)


@pytest.mark.parametrize("target", TARGETS)
def test_changed_seeds_break_nothing(target: str) -> None:
    @settings(max_examples=150, deadline=None, database=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        check_changes(target, data)

    check()


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", TARGETS)
def test_many_changed_seeds_break_nothing(target: str) -> None:
    @settings(max_examples=5_000, deadline=None, database=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        check_changes(target, data)

    check()
