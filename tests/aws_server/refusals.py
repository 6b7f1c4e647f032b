"""How STS refuses: its errors, and the limits of what it is asked (its model, service-2.json)."""

import re

from moto.core.exceptions import _RESTError
from moto.s3.exceptions import S3ClientError


class RefusedError(_RESTError):  # type: ignore[misc]
    """A refusal: AWS's code and text."""

    code = 403


class DeniedError(RefusedError):
    def __init__(self, text: str) -> None:
        super().__init__("AccessDenied", text)


class InvalidError(RefusedError):
    code = 400

    def __init__(self, text: str) -> None:
        super().__init__("ValidationError", text)


class RefusedByS3Error(S3ClientError):  # type: ignore[misc]
    code = "ExpiredToken"


def invalid_token() -> RefusedError:
    return RefusedError("InvalidClientTokenId", "The security token included in the request is invalid.")


def check_seconds(seconds: int | None, largest: int, otherwise: int) -> int:
    if seconds is None:
        return otherwise
    for failed, bound in (
        (seconds < 900, "greater than or equal to 900"),
        (seconds > largest, f"less than or equal to {largest}"),
    ):
        if failed:
            raise constraint("durationSeconds", str(seconds), f"Member must have value {bound}")
    return seconds


def check_text(name: str, value: str, shortest: int, longest: int, pattern: str) -> None:
    if len(value) < shortest:
        raise constraint(name, value, f"Member must have length greater than or equal to {shortest}")
    if len(value) > longest:
        raise constraint(name, value, f"Member must have length less than or equal to {longest}")
    if not re.fullmatch(pattern, value):
        raise constraint(name, value, f"Member must satisfy regular expression pattern: {pattern}")


def constraint(name: str, value: str, text: str) -> InvalidError:
    return InvalidError(
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {text}"
    )
