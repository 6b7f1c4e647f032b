"""npm: the variable that carries the token has the registry's address in its name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from keyturn.ground.errors import UncarriedError
from keyturn.ground.secret import Secret
from keyturn.sdk.parts import PartFile, Parts
from keyturn.sdk.quoting import RefusedError, quoted
from keyturn.sdk.run import Invocation

DEFAULT_REGISTRY = "https://registry.npmjs.org/"
# npm's, and pnpm's since version 11.
PREFIXES = ("npm_config_", "pnpm_config_")

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%!$&'()*+,;@-]+)*/?")
# They change capitals and underscores in the names of such variables.
_SCOPE = re.compile(r"[a-z0-9][a-z0-9.-]*")


def provide(values: Mapping[str, Secret], invocation: Invocation) -> Parts:
    """The token for one registry, and, with an organization, that its packages are there.

    Variables as `npm_config_//registry.npmjs.org/:_authToken` hold beside the user's own .npmrc, where
    `--userconfig` would hide it (@npmcli/config, `loadEnv`). Without a host it is npm's own registry,
    whatever that .npmrc names: a token for the one must not come to another. Which registry is asked for
    packages of no organization stays as it is, for that is no part of the credential. Raises UncarriedError.

    pnpm up to version 10 does not read such variables for what it fetches itself; it reads a file in the
    place of the machine's npmrc, besides the user's (tried with 9 and 10).
    """
    token = values["token"]
    if "${" in token.reveal():
        raise UncarriedError("the field “token” holds ${, in whose place npm would put a variable")
    registry = _registry(values["host"].reveal()) if "host" in values else DEFAULT_REGISTRY
    place = registry.partition(":")[2]
    settings = {f"{place}:_authToken": token}
    if "organization" in values:
        settings[f"@{_scope(values['organization'].reveal())}:registry"] = Secret(registry)
    variables = {prefix + name: value for prefix in PREFIXES for name, value in settings.items()}
    if invocation.executable != "pnpm":
        return Parts(variables)
    file = PartFile("npmrc", Secret(_npmrc(settings)), path_variable="NPM_CONFIG_GLOBALCONFIG")
    return Parts(variables, files=(file,))


def _npmrc(settings: Mapping[str, Secret]) -> str:
    try:
        lines = [f"{name}={quoted('npmrc', value.reveal())}\n" for name, value in settings.items()]
    except RefusedError as error:
        raise UncarriedError(
            f"the field “token” cannot be given to pnpm in npmrc: it holds {error}"
        ) from None
    return "".join(lines)


def _registry(text: str) -> str:
    """The registry's address, with its last slash: npm looks a token up by exactly that one."""
    address = text.strip()
    if "://" not in address:
        address = f"https://{address.removeprefix('//')}"
    if not _ADDRESS.fullmatch(address):
        raise UncarriedError(
            "the field “host” is no address of a registry", "write it as https://npm.example.com/path/"
        )
    scheme, _, rest = address.partition("://")
    host, _, path = rest.rstrip("/").partition("/")
    return f"{scheme}://{host.lower()}/{path}/" if path else f"{scheme}://{host.lower()}/"


def _scope(text: str) -> str:
    scope = text.strip().removeprefix("@")
    if not _SCOPE.fullmatch(scope):
        raise UncarriedError(
            "the field “organization” has letters that no variable's name carries to npm",
            "leave it out, and say in .npmrc where its packages are",
        )
    return scope
