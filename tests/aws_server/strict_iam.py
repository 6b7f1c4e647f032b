"""The rules of IAM's virtual MFA devices that moto lacks, put into moto: `install(world)`.

A device is enabled by two codes of it, one right after the other, and from then on STS takes its codes. Error
codes and texts are AWS's own, as people report them.
"""

import contextlib
from typing import Any

from moto.core.exceptions import _RESTError
from moto.iam.models import IAMBackend

from tests.aws_server.account import WINDOW, MfaError, World
from tests.aws_server.codes import code_of, step_of


class WrongCodesError(_RESTError):  # type: ignore[misc]
    code = 403

    def __init__(self) -> None:
        super().__init__("InvalidAuthenticationCode", "Authentication code for device is not valid.")


class InUseError(_RESTError):  # type: ignore[misc]
    code = 409

    def __init__(self) -> None:
        super().__init__("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")


class AbsentError(_RESTError):  # type: ignore[misc]
    code = 404

    def __init__(self, serial: str) -> None:
        super().__init__("NoSuchEntity", f"VirtualMFADevice with serial number {serial} doesn't exist.")


def install(world: World) -> None:
    """Put the rules into moto's class, for the rest of the process."""
    plain_enable = IAMBackend.enable_mfa_device
    plain_delete = IAMBackend.delete_virtual_mfa_device

    def enable(backend: Any, user_name: str, serial_number: str, first: str, second: str) -> None:
        device = backend.virtual_mfa_devices.get(serial_number)
        if device is None:
            raise AbsentError(serial_number)
        now = step_of(world.clock.now())
        for step in (now + offset for offset in WINDOW):
            codes = (code_of(device.base32_string_seed, step - 1), code_of(device.base32_string_seed, step))
            if codes == (first, second):
                break
        else:
            raise WrongCodesError
        plain_enable(backend, user_name, serial_number, first, second)
        user = backend.get_user(user_name).arn
        world.add_device(serial_number, user, device.base32_string_seed)
        for code in codes:
            # The former may be too old to be taken again anyway.
            with contextlib.suppress(MfaError):
                world.check_code(user, serial_number, code)

    def delete(backend: Any, serial_number: str) -> None:
        device = backend.virtual_mfa_devices.get(serial_number)
        if device is not None and device.user is not None:
            raise InUseError
        plain_delete(backend, serial_number)

    IAMBackend.enable_mfa_device = enable
    IAMBackend.delete_virtual_mfa_device = delete
