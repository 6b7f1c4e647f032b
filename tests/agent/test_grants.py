"""Who may be given a grant by `signin` without a terminal."""

from dataclasses import replace

import pytest

from keyturn.agent.session_requests import _may_be_granted
from keyturn.processes.facts import Process
from tests.agent.people import process

SCRIPT = process(500, parent=400)
SIGNIN = replace(process(501, parent=500), session=SCRIPT.session)


@pytest.mark.parametrize(
    ("parent", "granted"),
    [
        (SCRIPT, True),
        (replace(SCRIPT, parent=1), True),  # a script of a job that cron or a unit started, in its session
        (replace(SCRIPT, session=500), True),  # a program that starts signin in a session of its own
        (replace(SCRIPT, parent=1, session=500), False),  # systemd --user, crond, the tmux server
        (replace(SCRIPT, pid=1), False),
        (replace(SCRIPT, uid=0), False),
    ],
)
def test_a_service_manager_is_given_none(parent: Process, granted: bool) -> None:
    assert _may_be_granted(parent, SIGNIN) is granted
