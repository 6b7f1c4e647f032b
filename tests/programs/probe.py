"""What a command finds about itself, bare and wrapped: the program of probe.c, and comparing its reports.

Everything is compared but what the product is there to change (AWS.md §6) and the one published difference:
SIGPIPE and SIGXFSZ, which the interpreter ignores at its start, are default in a wrapped command.
"""

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from tests.parts import needs
from tests.programs.user import BIN, User
from tests.vaults.templates import MOMENT

SOURCE = Path(__file__).with_name("probe.c")

# AWS.md §6, written out here anew: what is taken from a command's environment, and what it is given.
TAKEN = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    *("AWS_CREDENTIAL_FILE", "AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION", "AWS_ACCOUNT_ID"),
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
GIVEN = {
    b"AWS_ACCESS_KEY_ID": b"AKIAIOSFODNN7EXAMPLE",
    b"AWS_SECRET_ACCESS_KEY": b"wJalrXUtnFEMIEXAMPLEKEY",
}
REGIONS = (b"AWS_REGION", b"AWS_DEFAULT_REGION")
REGION = b"eu-central-1"

NO_CALLER_SEES = {"SIGPIPE": 13, "SIGXFSZ": 25}
# Lines of /proc/PID/status that tell of the caller; the others count memory and switches.
STATUS = re.compile(
    rb"^(?:Sig(?:Blk|Ign|Cgt)|(?:Sig|Shd)Pnd|Umask|[UG]id|Groups|Cap\w+|NoNewPrivs|Seccomp\w*|Threads|TracerPid"
    rb"|Cpus_allowed|Mems_allowed|NSpid|Name):.*",
    re.MULTILINE,
)


@dataclass
class Report:
    """One run of the probe."""

    sections: dict[str, bytes]

    @property
    def pid(self) -> int:
        return int(self.sections["pid"])

    @property
    def argv(self) -> list[bytes]:
        return self.sections["argv"].split(b"\0")[:-1]

    @property
    def environment(self) -> list[bytes]:
        """As it is, but for what plugins.sh exports: once it is sourced, a bare command has that as well."""
        entries = self.sections["environment"].split(b"\0")[:-1]
        return [entry for entry in entries if not entry.startswith(b"KEYTURN_PLUGINS_HASH=")]

    def facts(self) -> dict[str, object]:
        """All that is to be equal, by name; the environment and the ignored signals as they are."""
        found: dict[str, object] = dict(self.sections)
        del found["pid"], found["status"]
        found["argv"], found["environment"] = self.argv, self.environment
        found["descriptors"] = sorted(self.sections["descriptors"].splitlines())
        for line in STATUS.findall(self.sections["status"]):
            key, value = line.decode().split(":", 1)
            found[key] = value.strip().replace(str(self.pid), "PID") if key == "NSpid" else value.strip()
        return found


class Probe:
    """A directory with the probe in it, called `aws`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "aws"
        self._reports = directory / "reports"
        subprocess.run([needs("cc"), "-O1", "-o", self.path, SOURCE], check=True)
        (directory / "odd-environment").symlink_to(self.path)

    def reports(self) -> list[Report]:
        """What has been reported since this was asked last."""
        if not self._reports.exists():
            return []
        rest = self._reports.read_bytes()
        self._reports.unlink()
        found: list[Report] = []
        sections: dict[str, bytes] = {}
        while rest:
            head, rest = rest.split(b"\n", 1)
            name, length = head.decode().rsplit(" ", 1)
            if name == "end":
                found.append(Report(sections))
                sections = {}
            else:
                sections[name], rest = rest[: int(length)], rest[int(length) :]
        return found

    def report(self) -> Report:
        """The one report since this was asked last."""
        (only,) = self.reports()
        return only


def expected(bare: Report, *, authenticated: bool = True) -> dict[str, object]:
    """The facts of a wrapped command, from those of the bare one."""
    facts = bare.facts()
    if authenticated:
        facts["environment"] = with_credentials(bare.environment)
    ignored = int(str(facts["SigIgn"]), 16)
    for number in NO_CALLER_SEES.values():
        ignored &= ~(1 << number - 1)
    facts["SigIgn"] = f"{ignored:016x}"
    return facts


def with_credentials(entries: list[bytes]) -> list[bytes]:
    """An environment as the command is to get it: what stays in its order, then what is set."""
    taken = {name.encode() for name in TAKEN}
    names = {entry.partition(b"=")[0] for entry in entries}
    given = dict(GIVEN) if names & set(REGIONS) else {**GIVEN, **dict.fromkeys(REGIONS, REGION)}
    # An entry without `=` names no variable: nothing reads it, and it stays.
    stay = [entry for entry in entries if b"=" not in entry or entry.partition(b"=")[0] not in taken]
    return ordered(stay + [name + b"=" + value for name, value in given.items()])


def ordered(entries: list[bytes]) -> list[bytes]:
    """With what we set, which stands at the end, sorted: its order among itself is nobody's business."""
    ours = {*GIVEN, *REGIONS}
    end = len(entries)
    while end and entries[end - 1].partition(b"=")[0] in ours:
        end -= 1
    return entries[:end] + sorted(entries[end:])


def found(wrapped: Report) -> dict[str, object]:
    """The facts of a wrapped command that got credentials."""
    return {**wrapped.facts(), "environment": ordered(wrapped.environment)}


def differences(wanted: dict[str, object], facts: dict[str, object]) -> list[str]:
    """What is not as it should be, readable."""
    names = sorted({*wanted, *facts})
    return [
        f"{name}: bare {wanted.get(name)!r:.2000}, wrapped {facts.get(name)!r:.2000}"
        for name in names
        if wanted.get(name) != facts.get(name)
    ]


def assert_as_bare(bare: Report, *wrapped: Report, authenticated: bool = True) -> None:
    """Each wrapped run found what the bare one found."""
    wanted = expected(bare, authenticated=authenticated)
    for report in wrapped:
        unequal = differences(wanted, found(report) if authenticated else report.facts())
        assert not unequal, "\n".join(unequal)


def item() -> Item:
    """The item whose keys the wrapped probe gets."""
    values = {"access key id": GIVEN[b"AWS_ACCESS_KEY_ID"], "default region": REGION}
    fields = [new_field(label, FieldType.TEXT, Secret(value.decode())) for label, value in values.items()]
    key = Secret(GIVEN[b"AWS_SECRET_ACCESS_KEY"].decode())
    fields.append(new_field("secret access key", FieldType.CONCEALED, key))
    return new_item("AWS", fields, MOMENT, ["keyturn/aws/access-key"])


class Wrapped:
    """A user whose `aws` is the probe, set up and signed in; how it is called bare and by both entrances."""

    def __init__(self, user: User) -> None:
        self.user = user
        directory = user.home / "probe"
        directory.mkdir()
        self.probe = Probe(directory)
        user.path.insert(0, str(directory))
        user.account(item())
        trusted = f'["{directory}"]'
        user.keyturn("settings", "set", "executables.trusted_directories", trusted).succeeds()
        password = ("--password-file", user.password_file())
        user.keyturn("plugin", "init", "aws", "--item", "AWS", "--no-input", *password).succeeds()
        # Without a terminal a sign-in is for its parent and that one's descendants: for all these tests.
        user.keyturn("signin", *password).succeeds()

    @property
    def launcher(self) -> list[str]:
        """The words that the wrapper in plugins.sh runs, `aws` the last of them."""
        return self.user.launcher("aws")

    @property
    def plugin_run(self) -> list[str]:
        return [str(BIN / "keyturn"), "plugin", "run", "--", "aws"]

    def script(self, line: str, *, entrances: int = 2) -> str:
        """`line` for a shell: what it arranges, and then what follows its last `; `, which calls `aws` once:
        bare, by the launcher, and by `plugin run` (the latter not with `entrances=1`)."""
        arrangement, _, call = line.rpartition("; ")
        parts = re.split(r"(?<![\w/-])aws(?![\w-])", call, maxsplit=1)
        assert len(parts) == 2, f"no call of aws in: {line}"
        words = ["aws", shlex.join(self.launcher), shlex.join(self.plugin_run)][: entrances + 1]
        return "\n".join([arrangement, *(each.join(parts) for each in words)])
