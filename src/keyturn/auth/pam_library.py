"""libpam, as far as one authentication needs it (pam(3), pam_conv(3)).

By ctypes and not by a package: python-pam has no conversation, only a password given beforehand, and pamela's
lies outside its public names, needs the same structures filled in by the caller, and looks for the library by
running gcc and ldconfig. To be used in a process of its own: modules block, and are foreign code.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from enum import IntEnum

# Linux-PAM's, the same since 1999; by its full name nothing has to be searched.
LIBRARY = "libpam.so.0"
DISALLOW_NULL_AUTHTOK = 1
# PAM_MAX_NUM_MSG, PAM_MAX_RESP_SIZE
MOST_MESSAGES, LONGEST_ANSWER = 32, 512


class Style(IntEnum):
    """What a module wants of the person."""

    ECHO_OFF = 1
    ECHO_ON = 2
    ERROR = 3
    INFO = 4


class Code(IntEnum):
    """The answers that are told apart (pam(3), “Return values”)."""

    SUCCESS = 0
    PERM_DENIED = 6
    AUTH_ERR = 7
    CRED_INSUFFICIENT = 8
    AUTHINFO_UNAVAIL = 9
    USER_UNKNOWN = 10
    MAXTRIES = 11
    NEW_AUTHTOK_REQD = 12
    ACCT_EXPIRED = 13
    CONV_ERR = 19


class _Message(ctypes.Structure):
    _fields_ = (("style", ctypes.c_int), ("text", ctypes.c_char_p))


class _Response(ctypes.Structure):
    # A plain pointer: libpam frees it, so it must come from its own allocator.
    _fields_ = (("text", ctypes.c_void_p), ("unused", ctypes.c_int))


_CONVERSE = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(ctypes.POINTER(_Message)),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_void_p,
)


class _Conversation(ctypes.Structure):
    _fields_ = (("function", _CONVERSE), ("data", ctypes.c_void_p))


# Answers one message: text for the two prompts, what is not None else is ignored.
Converse = Callable[[Style, str], "str | None"]


class Transaction:
    """One `pam_start`. Codes are libpam's; those that `Code` does not name come as they are."""

    def __init__(self, library: ctypes.CDLL, handle: ctypes.c_void_p) -> None:
        self._library = library
        self._handle = handle

    def authenticate(self) -> int:
        """Have the modules find out that it is the user; blocks. An empty password is no answer."""
        return int(self._library.pam_authenticate(self._handle, DISALLOW_NULL_AUTHTOK))

    def check_account(self) -> int:
        """Whether the account may be used now: not expired, not shut."""
        return int(self._library.pam_acct_mgmt(self._handle, DISALLOW_NULL_AUTHTOK))


@contextlib.contextmanager
def transaction(service: str, user: str, converse: Converse) -> Iterator[Transaction]:
    """A transaction that lasts as long as the block. Raises OSError if there is no libpam or it refuses.

    What `converse` raises is raised here, when the block is done: an exception cannot pass through libpam.
    """
    library, libc = ctypes.CDLL(LIBRARY), ctypes.CDLL(None)
    libc.calloc.restype = ctypes.c_void_p
    libc.calloc.argtypes = (ctypes.c_size_t, ctypes.c_size_t)
    libc.strdup.restype = ctypes.c_void_p
    libc.strdup.argtypes = (ctypes.c_char_p,)
    library.pam_authenticate.argtypes = library.pam_acct_mgmt.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.pam_end.argtypes = (ctypes.c_void_p, ctypes.c_int)
    raised: list[BaseException] = []

    def answer(count: int, messages: object, responses: object, data: object) -> int:
        try:
            # Before anything is allocated: what was typed is copied once, into what libpam frees.
            answers = [_answered(converse, messages[at].contents) for at in range(count)]  # type: ignore[index]
            if not 0 < count <= MOST_MESSAGES or any(len(each or b"") >= LONGEST_ANSWER for each in answers):
                return Code.CONV_ERR
            block = libc.calloc(count, ctypes.sizeof(_Response))
            filled = ctypes.cast(block, ctypes.POINTER(_Response))
            for at, each in enumerate(answers):
                filled[at].text = None if each is None else libc.strdup(each)
            responses[0] = block  # type: ignore[index]
        except BaseException as error:  # noqa: BLE001  # ctypes would take it for PAM_SUCCESS
            raised.append(error)
            return Code.CONV_ERR
        return Code.SUCCESS

    # Kept by these names until pam_end: libpam knows the addresses only.
    conversation = _Conversation(_CONVERSE(answer), None)
    handle = ctypes.c_void_p()
    code = library.pam_start(
        service.encode(), user.encode(), ctypes.byref(conversation), ctypes.byref(handle)
    )
    if code != Code.SUCCESS:
        raise OSError(f"pam_start: {code}")
    try:
        yield Transaction(library, handle)
    finally:
        library.pam_end(handle, Code.SUCCESS)
    if raised:
        raise raised[0]


def _answered(converse: Converse, message: _Message) -> bytes | None:
    text = (message.text or b"").decode("utf-8", "replace")
    try:
        style = Style(message.style)
    except ValueError:
        return None
    answer = converse(style, text)
    return None if answer is None else answer.encode("utf-8", "surrogateescape")
