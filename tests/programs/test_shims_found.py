"""Which executable a shim becomes: never a shim, and never the same one for ever."""

import os
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.parts import needs
from tests.programs.shimmed import AWS, DEV_KEY, SAID, script, shims, sign_in, trust
from tests.programs.user import BIN, User

# A loop ends here.
SECONDS = 20.0


def runs(user: User, *first: Path | str, command: str = "aws s3 ls") -> str:
    """What `command` prints with these directories at the front of PATH."""
    search = ":".join([*map(str, first), str(user.home / "tools"), "/usr/bin", "/bin"])
    done = user.run("/bin/sh", "-c", command, variables={"PATH": search}, seconds=SECONDS)
    return done.succeeds().output


REAL = "in={home}/tools/aws s3 ls"


def is_real(user: User, output: str) -> bool:
    return output == f"{SAID} {REAL.format(home=user.home)}\n"


def test_its_directory_may_be_there_twice_under_other_names(signed_in: User) -> None:
    user = signed_in
    link = user.home / "link"
    link.symlink_to(shims(user))
    copied = user.home / "copied"
    copied.mkdir()
    (copied / "aws").write_bytes((shims(user) / "aws").read_bytes())
    (copied / "aws").chmod(0o755)
    linked = user.home / "linked"
    linked.mkdir()
    (linked / "aws").symlink_to(shims(user) / "aws")
    places = (shims(user), f"{shims(user)}/", link, copied, linked, f"{link}//.", "", ".", "relative")
    assert is_real(user, runs(user, *places))
    assert is_real(user, runs(user, *reversed(places)))
    assert is_real(user, runs(user, "/nonexistent", command=f"{shims(user)}/aws s3 ls"))
    assert is_real(
        user,
        runs(
            user,
            shims(user),
            command=f'keyturn() {{ {BIN}/keyturn "$@"; }}; keyturn plugin run -- {link}/aws s3 ls',
        ),
    )


def test_two_keyturns_shims_do_not_call_each_other(signed_in: User) -> None:
    user = signed_in
    other = {"KEYTURN_CONFIG_DIR": str(user.home / "c2"), "KEYTURN_DATA_DIR": str(user.home / "d2")}
    user.keyturn("shim", "enable", "aws", "--no-shell-rc", variables=other).succeeds()
    theirs = user.home / "d2/shims"
    assert is_real(user, runs(user, shims(user), theirs))
    # The other one asks its own agent, which has no item.
    done = user.run(
        "aws", "s3", "ls", variables={"PATH": f"{theirs}:{shims(user)}:{user.home}/tools:/usr/bin:/bin"}
    )
    assert done.status == Status.NO_DEFAULT
    user.keyturn("agent", "stop", variables=other).succeeds()


# A shim of pyenv's kind takes its own directory out of PATH and looks for the command in the rest; asdf's and
# people's own start it as a child or further below.
OUT = 'PATH=$(printf %s "$PATH" | sed "s,{own}:,,"); export PATH'
PASSES = {
    "pyenv's, by exec": f'{OUT}; exec aws "$@"',
    "as a child": f'{OUT}; aws "$@"; exit $?',
    "as a grandchild": f'{OUT}; sh -c \'aws "$@"; exit $?\' sh "$@"; exit $?',
    "without taking itself out": 'exec aws "$@"',
    "as a grandchild, without taking itself out": 'sh -c \'aws "$@"; exit $?\' sh "$@"; exit $?',
    "as a child, without taking itself out": 'aws "$@"; exit $?',
}


@pytest.mark.parametrize("agent", ["agent", "no agent"])
@pytest.mark.parametrize("kind", PASSES)
def test_a_shim_of_another_tool_that_looks_for_it_again_does_not_loop(
    shimmed: User, kind: str, agent: str
) -> None:
    user = shimmed
    own = user.home / "other/shims"
    passing = script(own / "aws", f"#!/bin/sh\n{PASSES[kind].format(own=own)}\n")
    trust(user, passing)
    if agent == "agent":
        sign_in(user)
        assert is_real(user, runs(user, shims(user), own))
        # Behind it, too: the function of a shell has gone past ours, and it comes back to the shim.
        if "without" not in kind:
            assert is_real(
                user, runs(user, own, shims(user), command=f"{BIN}/keyturn plugin run -- aws s3 ls")
            )
    else:
        user.keyturn("agent", "stop").succeeds()
        output = runs(user, shims(user), own, command="aws --version")
        assert output == f"as=nobody in={user.home}/tools/aws --version\n"


def test_two_others_that_look_for_it_again_do_not_loop_either(signed_in: User) -> None:
    user, places = signed_in, []
    for name in ("one", "two"):
        trust(user, script(user.home / name / "aws", '#!/bin/sh\naws "$@"; exit $?\n'))
        places.append(user.home / name)
    assert is_real(user, runs(user, shims(user), *places))


def test_where_it_is_found_nowhere_else_that_is_said(signed_in: User) -> None:
    user = signed_in
    own = user.home / "lonely"
    trust(user, script(own / "aws", '#!/bin/sh\nexec aws "$@"\n'))
    done = user.run("aws", "s3", "ls", variables={"PATH": f"{shims(user)}:{own}"}, seconds=SECONDS)
    assert (done.status, done.output) == (127, "")
    assert done.errors == (
        f"keyturn: aws: command not found but as {own}/aws, which looks for it on PATH itself\n"
    )


def test_it_gets_what_the_agent_gave_though_words_were_taken_from_it(signed_in: User) -> None:
    """`--profile` is consumed: a question asked anew without it would be about another identity."""
    user = signed_in
    user.aws_files("", "[profile dev]\nregion = eu-west-1\n")
    own = user.home / "passing"
    trust(user, script(own / "aws", '#!/bin/sh\necho once >>"$HOME/rounds"; exec aws "$@"\n'))
    (user.home / "rounds").unlink(missing_ok=True)
    log = user.state / "audit.jsonl"
    before = len(log.read_text().splitlines()) if log.exists() else 0
    output = runs(user, shims(user), own, command="aws --profile dev s3 ls")
    assert output == f"as={DEV_KEY} in={user.home}/tools/aws s3 ls\n"
    assert (user.home / "rounds").read_text() == "once\n"
    assert len(log.read_text().splitlines()) == before + 1, "it asked again"


def test_other_words_from_within_are_another_question(signed_in: User) -> None:
    """A command that really calls another of its kind: `aws eks get-token` below kubectl, say."""
    user = signed_in
    trust(
        user, script(user.home / "nested/aws", '#!/bin/sh\n[ "$1" = inner ] || exec aws inner\n' + AWS[10:])
    )
    output = runs(user, shims(user), user.home / "nested")
    assert output == f"{SAID} in={user.home}/nested/aws inner\n"


def test_a_command_without_a_shim_gets_no_mark_and_one_with_it_gets_one(signed_in: User) -> None:
    user = signed_in
    trust(user, script(user.home / "showing/aws", '#!/bin/sh\nenv | grep -c "^KEYTURN_SHIM=" || :\n'))
    place = user.home / "showing"
    assert runs(user, place, command=f"{BIN}/keyturn plugin run -- aws s3 ls") == "0\n"
    assert runs(user, shims(user), place) == "1\n"


def test_what_is_not_found_or_may_not_run_is_said_as_a_shell_says_it(signed_in: User) -> None:
    done = signed_in.run("aws", "s3", "ls", variables={"PATH": f"{shims(signed_in)}:{signed_in.home}"})
    assert (done.status, done.errors) == (127, "keyturn: aws: command not found\n")
    closed = signed_in.home / "closed"
    closed.mkdir()
    (closed / "aws").write_text("")
    done = signed_in.run("aws", "s3", "ls", variables={"PATH": f"{shims(signed_in)}:{closed}"})
    assert (done.status, done.errors) == (126, "keyturn: aws: permission denied\n")


def test_no_shell_comes_between(signed_in: User) -> None:
    strace = needs("strace")
    done = signed_in.run(
        strace, "-f", "-qq", "-e", "trace=execve", "-e", "status=successful", "aws", "x"
    ).succeeds()
    started = [line.split('"')[1] for line in done.errors.splitlines() if "execve(" in line]
    assert started == [str(shims(signed_in) / "aws"), f"{signed_in.home}/tools/aws"]
    assert os.access(shims(signed_in) / "aws", os.X_OK)
