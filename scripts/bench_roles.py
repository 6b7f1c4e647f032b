"""The real `aws` in a role on the local AWS: bare, with its keys in plaintext, and through Keyturn, warm.

The bare one asks STS for the role's keys and keeps them in a plaintext file of its own; it is measured with
and without that file.
"""

import shutil
from collections.abc import Callable
from contextlib import ExitStack

from keyturn.shells.launcher import command
from scripts.bench_home import CALL, PASSWORD, Home
from tests.aws_server.client import AWS, LocalAws
from tests.programs.aws_items import item
from tests.programs.user import User

NAME, PROFILE = "ada", "work"
WORDS = ["--profile", PROFILE, *CALL]


def variants(stack: ExitStack) -> dict[str, Callable[[], float]]:
    """What measures each, in seconds. Raises RuntimeError for a command that is not in the role."""
    aws = stack.enter_context(LocalAws(NAME))
    role = aws.add_role("bench", [NAME])
    config = (
        "[default]\nregion = eu-central-1\n"
        f"[profile {PROFILE}]\nregion = eu-central-1\nrole_arn = {role}\nsource_profile = default\n"
    )
    bare, own = stack.enter_context(User()), stack.enter_context(User())
    for user in (bare, own):
        user.variables |= aws.environment()
    bare.aws_files(aws.credentials_text(NAME), config)
    own.aws_files("", config)

    own.account(item(aws.users[NAME]), password=PASSWORD)
    init = ["plugin", "init", "aws", "--item", "AWS", "--no-input", "--no-shell-rc", "--password-file"]
    own.keyturn(*init, own.password_file(PASSWORD)).succeeds()
    home, bare_home = Home(own), Home(bare)
    home.sign_in()
    # The real aws, and no longer the probe.
    own.path.remove(str(home.probe.parent))
    home.environment = own.environment
    through = [*command(home.directories, home.interpreter), "aws", *WORDS]
    cache = bare.home / ".aws/cli/cache"

    def cold() -> float:
        shutil.rmtree(cache, ignore_errors=True)
        return bare_home.run([str(AWS), *WORDS])

    for user, words in ((bare, [str(AWS), *WORDS]), (own, through)):
        found = user.run(*words).output
        if ":assumed-role/bench/" not in found:
            raise RuntimeError(f"not in the role: {found}")
    return {
        "aws in a role, bare": cold,
        "aws in a role, bare, with its plaintext cache": lambda: bare_home.run([str(AWS), *WORDS]),
        "aws in a role, wrapped": lambda: home.run(through),
    }
