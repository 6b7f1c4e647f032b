"""Rules that no plan breaks, checked on made-up worlds by code that knows nothing of the planner's."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from keyturn.aws.calls import AssumeRole, GetSessionToken
from keyturn.aws.plan import Plan
from keyturn.ground.errors import ConfigurationError, NoDefaultError
from keyturn.items import Item
from tests.aws.world import A, B, Caller, item, of_sts, role_arn

NAMES = ("default", "p", "q", "r", "s")
REGIONS = ("", "eu-west-1", "us-west-2", "ap-east-1")


@dataclass(frozen=True)
class Profile:
    has_role: bool
    source: str
    keys: str
    serial: str
    duration: int
    region: str

    def config(self, name: str) -> str:
        keys = f"aws_access_key_id = AKIA{name.upper()}\naws_secret_access_key = plaintext-secret\n"
        return "".join(
            (
                f"role_arn = {role_arn(name)}\n" if self.has_role else "",
                f"source_profile = {self.source}\n" if self.source else "",
                keys if self.keys else "",
                "aws_session_token = t\n" if self.keys == "temporary" else "",
                f"mfa_serial = {self.serial}\n" if self.serial else "",
                f"duration_seconds = {self.duration}\n" if self.duration else "",
                f"region = {self.region}\n" if self.region else "",
            )
        )


@dataclass(frozen=True)
class World:
    profiles: dict[str, Profile]
    selected: Item | None
    bound: dict[str, Item]

    def caller(self, home: Path) -> Caller:
        found = Caller(home, self.selected, dict(self.bound))
        sections = (
            f"[{name if name == 'default' else f'profile {name}'}]\n{profile.config(name)}"
            for name, profile in self.profiles.items()
        )
        found.write("".join(sections), "")
        return found


serials = st.sampled_from(["", "", A, B])
profiles = st.builds(
    Profile,
    has_role=st.sampled_from([True, True, False]),
    source=st.sampled_from(["", *NAMES, "q", "r", "s", "s", "nobody"]),
    keys=st.sampled_from(["", "", "", "lasting", "temporary"]),
    serial=st.sampled_from(["", "", "", A, A, B]),
    duration=st.sampled_from([0, 900, 3600, 7200, 43200]),
    region=st.sampled_from(REGIONS),
)


def items(name: str) -> st.SearchStrategy[Item]:
    return st.builds(
        lambda serial, code, region: item(
            name, mfa_serial=serial, one_time_password=code and f"code-{name}", default_region=region
        ),
        serials,
        st.booleans().map(lambda has: "x" * has),
        st.sampled_from(REGIONS),
    )


worlds = st.builds(
    World,
    st.fixed_dictionaries(dict.fromkeys(NAMES, profiles))
    | st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, profiles)),
    st.none() | items("selected"),
    # Half of the worlds have nothing bound.
    st.just({}) | st.fixed_dictionaries({}, optional={name: items(f"bound{name}") for name in NAMES}),
)


def named(world: World, name: str) -> tuple[str, list[str]]:
    """Whose keys (a key id, `selected` for the selected item) and which roles a profile names, by the book.

    Written from the specification, shorter and slower than the planner; `error` where it names a knot.
    """
    seen: list[str] = []
    while True:
        profile = world.profiles.get(name)
        if profile is None and name not in world.bound and name != "default":
            return "error", []
        is_source = bool(seen)
        if is_source and name in world.bound:
            return _key(world.bound[name]), seen[::-1]
        if is_source and profile is not None and profile.keys:
            return f"AKIA{name.upper()}", seen[::-1]
        if profile is None or not profile.has_role:
            break
        if name in seen:
            return "error", []
        seen.append(name)
        if not profile.source:
            return (_key(world.bound[name]) if name in world.bound else "selected"), seen[::-1]
        if profile.source == name and len(seen) == 1:
            # Its own keys.
            if name in world.bound:
                return _key(world.bound[name]), seen
            return (f"AKIA{name.upper()}" if profile.keys else "selected"), seen
        if profile.source in seen:
            return "error", []
        name = profile.source
    if name in world.bound:
        return _key(world.bound[name]), seen[::-1]
    if profile is not None and profile.keys and not (name == "default" and not seen and world.selected):
        return f"AKIA{name.upper()}", seen[::-1]
    return "selected", seen[::-1]


def _key(found: Item) -> str:
    return found.fields[0].value.reveal()


def check_identity(world: World, name: str, planned: Plan) -> None:
    whose, roles = named(world, name)
    expected = "AKIASELECTED" if whose == "selected" else whose
    assert planned.keys.key_id == expected
    assert [call.role for call in planned.calls if isinstance(call, AssumeRole)] == [*map(role_arn, roles)]


def check_calls(world: World, planned: Plan) -> None:
    tokens = [call for call in planned.calls if isinstance(call, GetSessionToken)]
    roles = [call for call in planned.calls if isinstance(call, AssumeRole)]
    coded = [call.mfa for call in of_sts(planned) if call.mfa is not None]
    assert planned.calls == (*tokens, *roles)
    assert len(tokens) <= 1
    assert len(coded) <= 1
    assert all(900 <= call.duration <= 129600 for call in tokens)
    assert all(900 <= call.duration <= 43200 for call in roles)
    assert all(call.duration <= 3600 for call in roles[1:])
    if tokens:
        assert roles[:1] == [] or roles[0].duration <= 3600
    if planned.keys.token is not None:
        assert coded == []
        assert all(call.duration <= 3600 for call in roles)
    for mfa in coded:
        if mfa.secret is None:
            continue
        owner = next(
            each
            for each in (world.selected, *world.bound.values())
            if each is not None and _key(each) == planned.keys.key_id
        )
        values = {field.label: field.value.reveal() for field in owner.fields}
        assert mfa.secret.reveal() == values["one-time password"]
        assert values.get("mfa serial", mfa.serial) == mfa.serial
    shown = repr(planned) + "".join((*planned.reasons, *planned.steps, *planned.notes))
    assert "secret-" not in shown
    assert "-secret" not in shown
    assert "code-" not in shown


def check_tokens_are_shared(planned: list[Plan]) -> None:
    """Two plans with one user's keys and device need one token, wherever their roles are."""
    asked = [
        (
            plan.keys.key_id,
            call.mfa.serial,
            call.sts.partition,
            call.sts.endpoint,
            call.sts.variant,
            call.duration,
        )
        for plan in planned
        for call in plan.calls
        if isinstance(call, GetSessionToken)
    ]
    for one, other in itertools.combinations(asked, 2):
        assert one == other or one[:2] != other[:2]


def check(world: World, home: Path) -> None:
    found, plans = world.caller(home), []
    for name in NAMES:
        whose, _ = named(world, name)
        try:
            planned = found.plan(f"--profile {name} s3 ls")
        except NoDefaultError:
            assert (whose, world.selected) == ("selected", None)
        except ConfigurationError as error:
            refused = error.message.split("“")[0]
            event(refused)
            if whose != "error" and "two MFA devices" not in refused:
                raise
        else:
            event(f"{len(planned.calls)} calls")
            check_identity(world, name, planned)
            check_calls(world, planned)
            plans.append(planned)
    check_tokens_are_shared(plans)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
def test_no_plan_breaks_a_rule(world: World, home: Path) -> None:
    check(world, home)


@pytest.mark.soak
@pytest.mark.timeout(400)
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
def test_no_plan_of_thousands_breaks_a_rule(world: World, home: Path) -> None:
    check(world, home)


def test_the_rules_see_something(home: Path) -> None:
    """A world by hand, so that the properties above are known to reach calls at all."""
    p = Profile(True, "q", "", A, 43200, "eu-west-1")
    world = World(
        {"p": p, "q": Profile(True, "s", "", "", 7200, ""), "s": Profile(False, "", "", "", 0, "")},
        item("selected"),
        {},
    )
    assert named(world, "p") == ("selected", ["q", "p"])
    planned = world.caller(home).plan("--profile p s3 ls")
    check_calls(world, planned)
    assert [call.duration for call in of_sts(planned)] == [7200, 3600]
    with pytest.raises(AssertionError):
        check_identity(world, "q", planned)
