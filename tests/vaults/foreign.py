"""Accounts in other programs' vaults, for the contract: operations are done here, as a helper would."""

from collections.abc import Mapping

from keyturn.ground.clock import SystemClock
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.vaults import operations
from keyturn.vaults.failed import Failed
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.operations import Answer, Operation, Task
from keyturn.vaults.places import Place


def make_account(
    place: Place, key: Secret | None = None, environment: Mapping[str, str] | None = None
) -> ForeignAccount:
    """An account over `place`, which opens with `key`."""

    def perform(operation: Operation) -> Answer:
        task = operations.encode_task(Task(place, operation, key, dict(environment or {})))
        answer = operations.decode_answer(operations.work(task, _Nobody()))
        if isinstance(answer, Failed):
            raise answer.error()
        return answer

    return ForeignAccount(new_id(), "Test", place, perform, SystemClock().boot)


class _Nobody:
    """A person who is never to be asked."""

    def secret(self, prompt: str, warning: str = "") -> Secret:
        raise AssertionError(prompt)

    def text(self, prompt: str, warning: str = "") -> str:
        raise AssertionError(prompt)

    def show(self, line: str) -> None:
        raise AssertionError(line)
