"""A wrapped command finds everything as if it had been called bare; each compared in one run.

A row is what a shell script arranges and how it calls `aws`. The script calls it bare, by the launcher (the
wrapper in plugins.sh) and by `keyturn plugin run`, all from one shell, and the three reports are compared.
"""

from collections.abc import Iterator

import pytest

from tests.programs.probe import TAKEN, Wrapped, assert_as_bare
from tests.programs.user import User

HERE = "PATH=$PATH HOME=$HOME XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR"
NO_LOCALE = "env -u LANG -u LC_ALL -u LC_CTYPE"
# Every variable that AWS.md §6 takes away, and the interpreter's own (those that would keep `keyturn` itself
# from starting have a row of their own).
OTHER_KEYS = " ".join(f"{name}=default" for name in TAKEN)
PYTHON = (
    "PYTHONPATH=/none PYTHONSTARTUP=/none PYTHONIOENCODING=utf-16 PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"
    " PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONHASHSEED=7 PYTHONOPTIMIZE=2"
    " PYTHONUNBUFFERED=1 PYTHONWARNINGS=error PYTHONINSPECT=1 PYTHONFAULTHANDLER=1"
)

ENVIRONMENT = {
    "as it is": "aws s3 ls",
    "nothing but PATH": "env -i PATH=$PATH aws s3 ls",
    "nothing but what keyturn needs": f"env -i {HERE} aws s3 ls",
    "no locale": f"{NO_LOCALE} aws s3 ls",
    "LANG empty": f"{NO_LOCALE} LANG= aws s3 ls",
    "LANG=C": f"{NO_LOCALE} LANG=C aws s3 ls",
    "LANG=POSIX, LC_ALL empty": f"{NO_LOCALE} LANG=POSIX LC_ALL= aws s3 ls",
    "LC_ALL=C": f"{NO_LOCALE} LC_ALL=C aws s3 ls",
    "LC_ALL=C.UTF-8": f"{NO_LOCALE} LC_ALL=C.UTF-8 aws s3 ls",
    "the caller's LC_CTYPE=C": f"{NO_LOCALE} LC_CTYPE=C aws s3 ls",
    "the caller's LC_CTYPE=POSIX, first": f"env -i LC_CTYPE=POSIX {HERE} LANG=C.UTF-8 aws s3 ls",
    "the caller's LC_CTYPE=C.UTF-8": f"{NO_LOCALE} LC_CTYPE=C.UTF-8 aws s3 ls",
    "the caller's LC_CTYPE=UTF-8": f"{NO_LOCALE} LC_CTYPE=UTF-8 aws s3 ls",
    "the caller's LC_CTYPE empty": f"{NO_LOCALE} LC_CTYPE= aws s3 ls",
    "an unknown LC_CTYPE": f"{NO_LOCALE} LC_CTYPE=xx_YY.NONE aws s3 ls",
    "an unknown LANG": f"{NO_LOCALE} LANG=xx_YY.NONE aws s3 ls",
    "a locale that is not UTF-8": f"{NO_LOCALE} LANG=de_DE.ISO-8859-1 aws s3 ls",
    "names that no shell knows": "env 'A B=1' a.b=2 'F%%=() { :;}' 'ä=3' aws s3 ls",
    "odd values": "env A= B=$(printf %0100000d 0) C=\"$(printf '\\377\\n x')\" aws s3 ls",
    "the caller's _": "env _=/bin/false aws s3 ls",
    "variables of the interpreter": f"env {PYTHON} aws s3 ls",
    "an interpreter that is not there": "env PYTHONHOME=/none PYTHONPLATLIBDIR=no PYTHONVERBOSE=1 aws s3 ls",
    "variables of the dynamic linker": "env LD_LIBRARY_PATH=/none LD_BIND_NOW=1 aws s3 ls",
    "variables of shells": "env ENV=/none BASH_ENV=/none SHELLOPTS=xtrace PS4=x CDPATH=/none aws s3 ls",
    "other keys than the vault's": f"env {OTHER_KEYS} aws s3 ls",
    "other variables of AWS": "env AWS_PAGER= AWS_CA_BUNDLE=/none AWS_ENDPOINT_URL=http://x aws s3 ls",
    "a region": "env AWS_REGION=us-west-2 aws s3 ls",
    "the other region": "env AWS_DEFAULT_REGION=us-west-2 aws s3 ls",
    "entries that no shell can make": "odd-environment aws s3 ls",
}

PROCESS = {
    "signals ignored": "trap '' HUP INT QUIT TERM USR1 TSTP; aws s3 ls",
    "SIGPIPE and SIGXFSZ ignored (the published difference)": "trap '' PIPE XFSZ; aws s3 ls",
    "SIGCHLD ignored": "env --ignore-signal=CHLD aws s3 ls",
    "signals blocked": "env --block-signal=HUP,INT,TERM,CHLD,PIPE,USR1,USR2,TSTP,WINCH,RTMIN aws s3 ls",
    "all signals ignored": "env --ignore-signal aws s3 ls",
    "nohup": "nohup aws s3 ls",
    "in the background": "aws s3 ls & wait $!",
    "a session of its own": "setsid --wait aws s3 ls",
    "umask 0": "umask 0; aws s3 ls",
    "umask 077": "umask 077; aws s3 ls",
    "umask 777": "umask 777; aws s3 ls",
    "few descriptors": "ulimit -n 20; aws s3 ls",
    "limits of size": "ulimit -c 7; ulimit -f 1000; ulimit -S -s 4096; ulimit -v 4000000; aws s3 ls",
    "limits of time": "ulimit -S -t 100; ulimit -H -t 200; aws s3 ls",
    "nice": "nice -n 7 aws s3 ls",
    "batch scheduling": "chrt --batch 0 aws s3 ls",
    "one processor": "taskset 1 aws s3 ls",
    "first to go when memory is short": "choom -n 500 -- aws s3 ls",
    "no new privileges": "setpriv --no-new-privs aws s3 ls",
    "dies with its parent": "setpriv --pdeathsig TERM aws s3 ls",
    "the root directory": "cd /; aws s3 ls",
    "a directory with an odd name": 'd=$(printf \'a \\377\\nb\'); mkdir -p "$d"; cd "$d"; aws s3 ls',
    "a directory that is gone": "mkdir gone; cd gone; rmdir ../gone; aws s3 ls",
}

DESCRIPTORS = {
    "more descriptors": "exec 3</etc/passwd 4>/dev/null 5>>more 6</ 8<>more 9</etc/group; aws s3 ls",
    "a descriptor read half-way": "seq 99999 >numbers; exec 5<numbers; read a <&5; aws s3 ls",
    "no stdin": "aws s3 ls <&-",
    "no stdout": "aws s3 ls >&-",
    "no stderr": "aws s3 ls 2>&-",
    "none of the three": "aws s3 ls <&- >&- 2>&-",
    "stdin is a file, stdout appends": "aws s3 ls </etc/passwd >>more",
    "stdin cannot be read, stdout not written": "aws s3 ls <&1 >/dev/full",
}

ROWS = {**ENVIRONMENT, **PROCESS, **DESCRIPTORS}
# `keyturn` itself has to know its home, and its interpreter where it is; the wrapper knows both.
BY_LAUNCHER_ONLY = {"nothing but PATH", "an interpreter that is not there"}


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        yield Wrapped(user)


@pytest.mark.parametrize("row", ROWS)
def test_command_finds_everything_as_if_called_bare(wrapped: Wrapped, row: str) -> None:
    entrances = 1 if row in BY_LAUNCHER_ONLY else 2
    wrapped.probe.reports()
    done = wrapped.user.sh(wrapped.script(ROWS[row], entrances=entrances))
    assert done.status == 0, done.errors
    # nohup says that it ignores input; nobody else says anything.
    assert not done.errors.replace("nohup: ignoring input", "").strip(), done.errors
    bare, *others = wrapped.probe.reports()
    assert len(others) == entrances
    assert_as_bare(bare, *others)
