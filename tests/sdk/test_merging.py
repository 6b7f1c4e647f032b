"""Several credentials for one command: all of them, none mixed with another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from keyturn.ground.errors import ConfigurationError, NoDefaultError
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemReference
from keyturn.sdk.merging import Other, merged, provision_together
from keyturn.sdk.run import (
    Insertion,
    Invocation,
    NeedItem,
    NeedWork,
    ProvidedFile,
    Provision,
    Provisioned,
    Selection,
    Worker,
)

INVOCATION = Invocation("terraform", b"/bin/terraform", (b"plan", b"-x"), {}, "/")
ARGUMENTS = INVOCATION.arguments
NO_WORKER = cast(Worker, None)


def reference(title: str) -> Resolution[ItemReference]:
    return Resolution(ItemReference("a" * 26, "v" * 26, title, title), f"where {title} is from")


def part(arguments: tuple[bytes, ...] = ARGUMENTS, **assign: bytes) -> Provisioned:
    return Provisioned(arguments, assign)


def gives(step: Provisioned | NeedWork) -> Provision:
    """A provision that needs the selected item first."""

    def provision(
        invocation: Invocation, selection: Selection, opened: Mapping[str, Item]
    ) -> NeedItem | NeedWork | Provisioned:
        if selection.selected is None:
            raise NoDefaultError("nothing is chosen", "choose")
        return step if selection.selected.value.item in opened else NeedItem(selection.selected)

    return provision


class TestMerged:
    def test_everything_of_each(self) -> None:
        one = Provisioned(ARGUMENTS, {"A": b"1"}, ("A", "OLD"), ("a note",), {"n": "news"}, ("a reason",))
        other = Provisioned(ARGUMENTS, {"B": b"2"}, ("OLD", "B"), ("a note", "b note"), {}, ("b reason",))
        assert merged({"one": one, "other": other}, INVOCATION) == Provisioned(
            ARGUMENTS,
            {"A": b"1", "B": b"2"},
            ("A", "OLD", "B"),
            ("a note", "b note"),
            {"n": "news"},
            ("a reason", "b reason"),
        )

    def test_files_and_words_of_each(self) -> None:
        files = [ProvidedFile(f"/private/{name}/f", Secret(name)) for name in ("one", "other")]
        words = [Insertion((name,), "first") for name in (b"--one", b"--other")]
        parts = {
            name: Provisioned(ARGUMENTS, files=(file,), insertions=(word,))
            for name, file, word in zip(("one", "other"), files, words, strict=True)
        }
        found = merged(parts, INVOCATION)
        assert (found.files, found.insertions) == (tuple(files), tuple(words))

    def test_one_alone_is_itself(self) -> None:
        one = Provisioned((b"changed",), {"A": b"1"}, ("A",), ("note",), {"n": "news"}, ("reason",))
        assert merged({"one": one}, INVOCATION) == one

    def test_the_same_value_is_no_conflict(self) -> None:
        both = {"one": part(REGION=b"x"), "other": part(REGION=b"x")}
        assert merged(both, INVOCATION).assign == {"REGION": b"x"}

    def test_what_one_changes_of_the_arguments_holds(self) -> None:
        for parts in ([part(), part((b"plan",))], [part((b"plan",)), part()], [part((b"plan",))] * 2):
            found = merged(dict(zip(("one", "other"), parts, strict=True)), INVOCATION)
            assert found.arguments == (b"plan",)

    @pytest.mark.parametrize(
        ("one", "other", "why"),
        [
            (part(KEY=b"1 EXAMPLE"), part(KEY=b"2 EXAMPLE"), "they both set KEY"),
            (part(KEY=b"1 EXAMPLE"), Provisioned(ARGUMENTS, remove=("KEY",)), "they do not agree on KEY"),
            (Provisioned(ARGUMENTS, remove=("KEY",)), part(KEY=b"1 EXAMPLE"), "they do not agree on KEY"),
            (part((b"plan",)), part((b"-x",)), "they both change the arguments"),
        ],
    )
    def test_a_conflict_names_both(self, one: Provisioned, other: Provisioned, why: str) -> None:
        with pytest.raises(ConfigurationError) as refused:
            merged({"first": one, "second": other}, INVOCATION)
        assert why in refused.value.message
        assert "first" in refused.value.message
        assert "second" in refused.value.message
        assert "EXAMPLE" not in refused.value.message + "".join(refused.value.hints)
        assert "keyturn plugin clear terraform --credential" in refused.value.hints[0]


class TestProvisionTogether:
    def run(self, provision: Provision, selection: Selection) -> tuple[NeedWork | Provisioned, list[str]]:
        """The end, and the items in the order in which they were opened."""
        opened: dict[str, Any] = {}
        while isinstance(step := provision(INVOCATION, selection, opened), NeedItem):
            assert step.item.value.item not in opened
            opened[step.item.value.item] = None
        return step, list(opened)

    def test_every_item_is_opened_and_all_is_given(self) -> None:
        others = {
            "two": Other(gives(part(B=b"2")), reference("second")),
            "three": Other(gives(part(C=b"3")), reference("third")),
        }
        provision = provision_together("one", gives(part(A=b"1")), others)
        step, opened = self.run(provision, Selection(reference("first")))
        assert isinstance(step, Provisioned)
        assert step.assign == {"A": b"1", "B": b"2", "C": b"3"}
        assert opened == ["first", "second", "third"]

    def test_one_item_may_hold_several_credentials(self) -> None:
        others = {"two": Other(gives(part(B=b"2")), reference("same"))}
        step, opened = self.run(
            provision_together("one", gives(part(A=b"1")), others), Selection(reference("same"))
        )
        assert isinstance(step, Provisioned)
        assert (step.assign, opened) == ({"A": b"1", "B": b"2"}, ["same"])

    def test_without_its_own_the_others_are_enough(self) -> None:
        others = {"two": Other(gives(part(B=b"2")), reference("second"))}
        own = gives(part(A=b"1"))
        step, _ = self.run(provision_together("one", own, others), Selection(None))
        assert isinstance(step, Provisioned)
        assert step.assign == {"B": b"2"}
        with pytest.raises(NoDefaultError):
            provision_together("one", own, {})(INVOCATION, Selection(None), {})

    @pytest.mark.parametrize("at", ["one", "two", "both"])
    def test_work_is_done_for_those_that_need_it(self, at: str) -> None:
        done: list[str] = []

        def work(name: str, result: Provisioned) -> NeedWork:
            async def do(worker: Worker) -> Provisioned:
                done.append(name)
                return result

            return NeedWork((f"asks for {name}",), do, (f"{name} noted",))

        plain = {
            name: Provisioned(ARGUMENTS, {name: b"x"}, reasons=(f"has {name}",)) for name in ("one", "two")
        }
        steps: dict[str, Provisioned | NeedWork] = {
            name: work(name, each) if at in (name, "both") else each for name, each in plain.items()
        }
        others = {"two": Other(gives(steps["two"]), reference("second"))}
        step, _ = self.run(
            provision_together("one", gives(steps["one"]), others), Selection(reference("first"))
        )
        assert isinstance(step, NeedWork)
        asked = ["one", "two"] if at == "both" else [at]
        assert step.plan == tuple(f"{'asks for' if n in asked else 'has'} {n}" for n in ("one", "two"))
        assert step.notes == tuple(f"{name} noted" for name in asked)
        found = asyncio.run(cast("Callable[[Worker], Any]", step.do)(NO_WORKER))
        assert (found.assign, done) == ({"one": b"x", "two": b"x"}, asked)
