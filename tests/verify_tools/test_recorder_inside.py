"""A credential that is a whole file, of which one word arrives."""

import pytest

from tests.verify_tools.recorder import Request, holds
from tests.verify_tools.table import Accepts

INSIDE = Accepts(is_="{kubeconfig}", header="authorization", inside=True)
FILE = {"kubeconfig": "users: [{name: ada, user: {token: right-EXAMPLE }}]"}


@pytest.mark.parametrize(
    ("came", "accepted"),
    [("Bearer right-EXAMPLE", True), ("Bearer wrong-EXAMPLE", False), ("Bearer right", False), ("", False)],
)
def test_a_word_of_the_file_is_its_credential(came: str, accepted: bool) -> None:
    headers = {"authorization": came} if came else {}
    request = Request("GET", "localhost", "/api", "", headers, b"")
    assert holds(INSIDE, request, FILE) is accepted
