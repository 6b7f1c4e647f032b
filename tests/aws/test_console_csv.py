"""The console's CSV, in the forms that it had and that spreadsheets make of it."""

import contextlib
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.aws import console_csv
from keyturn.aws.console_csv import ConsoleKey
from keyturn.ground.errors import UsageError
from keyturn.ground.secret import Secret

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NEW = f"Access key ID,Secret access key\r\n{KEY_ID},{SECRET}"
LINK = "https://123456789012.signin.aws.amazon.com/console"
OLD = (
    "User name,Password,Access key ID,Secret access key,Console login link\r\n"
    f'ada,"p,""w EXAMPLE",{KEY_ID},{SECRET},{LINK}\r\n'
)
PLAIN = ConsoleKey(KEY_ID, Secret(SECRET))


@pytest.mark.parametrize(
    "content",
    [
        NEW.encode(),
        NEW.encode() + b"\r\n",
        NEW.encode("utf-8-sig"),
        NEW.replace("\r\n", "\n").encode() + b"\n\n",
        NEW.encode("utf-16"),
        b"\xfe\xff" + NEW.encode("utf-16-be"),
        NEW.replace(",", ";").encode(),
        NEW.replace(",", "\t").encode(),
        f'"Access key ID","Secret access key"\n"{KEY_ID}","{SECRET}"\n'.encode(),
        f"access_key_id , secret-access-key\n {KEY_ID} , {SECRET} \n".encode(),
        f"Secret access key,Access key ID\n{SECRET},{KEY_ID}\n,\n".encode(),
    ],
)
def test_a_users_new_key(content: bytes) -> None:
    assert console_csv.parse(content) == [PLAIN]


def test_a_new_user_with_all_that_is_in_the_file() -> None:
    others = {"Password": Secret('p,"w EXAMPLE'), "Console login link": Secret(LINK)}
    assert console_csv.parse(OLD.encode()) == [ConsoleKey(KEY_ID, Secret(SECRET), "ada", others)]
    two = OLD + f"grace,,{KEY_ID[:-1]}F,{SECRET},\r\n"
    assert [key.user for key in console_csv.parse(two.encode("utf-8-sig"))] == ["ada", "grace"]
    assert console_csv.parse(two.encode())[1].others == {}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_root_users_key(end: str) -> None:
    content = f"AWSAccessKeyId={KEY_ID}{end}AWSSecretKey={SECRET}{end}"
    assert console_csv.parse(content.encode()) == [ConsoleKey(KEY_ID, Secret(SECRET), "root")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\r\n\r\n", "is empty"),
        (SECRET.encode() + b"\xff\xff", "not text"),
        (b"User name,Password,Console sign-in URL\r\nada," + SECRET.encode() + b",x\r\n", "does not have"),
        (b"Access key ID,Secret access key\r\n", "no key below"),
        (f"Access key ID,Secret access key\n{KEY_ID},\n".encode(), "row 2 of the file has no whole key"),
        (f"Access key ID,Secret access key\n{SECRET}\n".encode(), "row 2 of the file has no whole key"),
        (f"Access key ID,Access key ID,Secret access key\na,b,{SECRET}\n".encode(), "twice"),
        (f"Access key ID,Secret access key\n{KEY_ID},{SECRET},{SECRET}\n".encode(), "more cells"),
        (f"Access key ID,Secret access key\nkey,{SECRET}\n".encode(), "no access key of AWS"),
        (f"Access key ID,Secret access key\n{KEY_ID},{SECRET} é\n".encode(), "no access key of AWS"),
        (f'Access key ID,Secret access key\n"{KEY_ID}"x,{SECRET}\n'.encode(), "no CSV"),
        (f"AWSAccessKeyId={KEY_ID}\nAWSSecretKey=\n".encode(), "no whole key"),
        (f"AWSSecretKey={SECRET}\n".encode(), "does not have"),
    ],
)
def test_what_is_refused_says_why_and_shows_nothing(content: bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        console_csv.parse(content)
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert SECRET not in told
    assert KEY_ID not in told


@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: (NEW + text).encode())))
def test_any_bytes_are_keys_or_an_error(content: bytes) -> None:
    with contextlib.suppress(UsageError):
        assert console_csv.parse(content)
