"""What a profile says about single sign-on, beside what botocore makes of the same files."""

from pathlib import Path

import botocore.session
import pytest
from botocore.credentials import SSOProvider
from botocore.exceptions import InvalidConfigError

from keyturn.aws import sso_choosing, sso_config
from keyturn.aws.config import ConfigurationCache
from keyturn.aws.endpoints import Surroundings
from keyturn.ground.errors import ConfigurationError

SESSION = "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
PLACE = "sso_account_id = 111111111111\nsso_role_name = Admin\n"
OLDER = "sso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
NEWER = "sso_session = corp\n"
SCOPES = "sso_registration_scopes = sso:account:access, other:scope\n"

GOOD = {
    "newer": f"{SESSION}[profile p]\n{NEWER}{PLACE}",
    "older": f"[profile p]\n{OLDER}{PLACE}",
    "both, which agree": f"{SESSION}[profile p]\n{NEWER}{OLDER}{PLACE}",
    "scopes": f"{SESSION}{SCOPES}[profile p]\n{NEWER}{PLACE}",
    "quoted name": f"{SESSION.replace('corp]', chr(34) + 'my corp' + chr(34) + ']')}[profile p]\n"
    f"sso_session = my corp\n{PLACE}",
    "with keys": f"[profile p]\n{OLDER}{PLACE}aws_access_key_id = a\naws_secret_access_key = b\n",
    "zeros in front": f"[profile p]\n{OLDER}sso_account_id = 000000000001\nsso_role_name = Admin\n",
}
BAD = {
    "no such session": f"[profile p]\n{NEWER}{PLACE}",
    "no account": f"[profile p]\n{OLDER}sso_role_name = Admin\n",
    "no role": f"[profile p]\n{OLDER}sso_account_id = 111111111111\n",
    "no region": f"[profile p]\nsso_start_url = https://corp.awsapps.com/start\n{PLACE}",
    "no start page": f"[profile p]\nsso_region = eu-west-1\n{PLACE}",
    "neither": f"[profile p]\n{PLACE}",
    "another region than the session": f"{SESSION}[profile p]\n{NEWER}sso_region = us-east-1\n{PLACE}",
    "a session without region": f"[sso-session corp]\nsso_start_url = https://a.b\n"
    f"[profile p]\n{NEWER}{PLACE}",
}
# What botocore would only find out at the service, or in the browser.
OURS = {
    "not https": f"[profile p]\n{OLDER.replace('https', 'http')}{PLACE}",
    "a script": f"[profile p]\nsso_start_url = javascript:alert(1)\nsso_region = eu-west-1\n{PLACE}",
    "a short account": f"[profile p]\n{OLDER}sso_account_id = 1111\nsso_role_name = Admin\n",
    "an odd role": f"[profile p]\n{OLDER}sso_account_id = 111111111111\nsso_role_name = a b\n",
    "an odd region": f"[profile p]\n{OLDER.replace('eu-west-1', 'evil.example/')}{PLACE}",
    "an empty account": f"[profile p]\n{OLDER}sso_account_id =\nsso_role_name = Admin\n",
}


def surroundings(config: str, directory: Path, **variables: str) -> Surroundings:
    path = directory / "config"
    path.write_text(config)
    environment = {"AWS_CONFIG_FILE": str(path), "AWS_SHARED_CREDENTIALS_FILE": "", **variables}
    allowed = ("https://sso.corp.example",)
    return Surroundings(ConfigurationCache().load(environment, "/"), environment, allowed)


def read(config: str, directory: Path) -> sso_config.SsoSource:
    found = surroundings(config, directory)
    return sso_config.read("p", found.configuration.profiles["p"], found)


def botocores(config: str, directory: Path) -> dict[str, str]:
    """What botocore makes of it. Raises InvalidConfigError."""
    path = directory / "config"
    path.write_text(config)
    session = botocore.session.Session()
    session.set_config_variable("config_file", str(path))
    session.set_config_variable("credentials_file", "/nonexistent")
    found = SSOProvider(lambda: session.full_config, None, "p")._load_sso_config()
    assert found is not None
    return dict(found)


@pytest.mark.parametrize("config", GOOD.values(), ids=GOOD)
def test_as_botocore_reads_it(config: str, tmp_path: Path) -> None:
    ours, theirs = read(config, tmp_path), botocores(config, tmp_path)
    assert theirs == {
        "sso_start_url": ours.session.start_url,
        "sso_region": ours.session.region,
        "sso_account_id": ours.account_id,
        "sso_role_name": ours.role_name,
        **({"sso_session": ours.session.name} if ours.session.name else {}),
    }


@pytest.mark.parametrize("config", BAD.values(), ids=BAD)
def test_what_botocore_refuses_too(config: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError):
        botocores(config, tmp_path)
    with pytest.raises(ConfigurationError) as error:
        read(config, tmp_path)
    assert "p" in error.value.message


@pytest.mark.parametrize("config", OURS.values(), ids=OURS)
def test_what_no_service_should_be_asked_with(config: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        read(config, tmp_path)


@pytest.mark.parametrize(
    "url", ["https://x.awsapps.com/start#/", "https://x.awsapps.com/#", "https://x/start/#/a"]
)
def test_story_27_what_is_behind_a_hash_is_kept(url: str, tmp_path: Path) -> None:
    config = f"[profile p]\nsso_start_url = {url}\nsso_region = eu-west-1\n{PLACE}"
    assert read(config, tmp_path).session.start_url == url == botocores(config, tmp_path)["sso_start_url"]


def test_scopes(tmp_path: Path) -> None:
    assert read(GOOD["scopes"], tmp_path).session.scopes == ("sso:account:access", "other:scope")
    assert read(GOOD["newer"], tmp_path).session.scopes == ("sso:account:access",)


@pytest.mark.parametrize(
    ("keys", "is_named"),
    [
        ("sso_account_id", True),
        ("sso_role_name aws_access_key_id", True),
        ("sso_session", True),
        ("sso_start_url", True),
        ("sso_start_url aws_access_key_id", False),
        ("sso_region", False),
        ("role_arn", False),
    ],
)
def test_which_profiles_name_it(keys: str, is_named: bool) -> None:
    assert sso_config.is_named(dict.fromkeys(keys.split(), "x")) is is_named


@pytest.mark.parametrize(
    ("variable", "url", "is_allowed"),
    [
        ("AWS_ENDPOINT_URL_SSO", "https://portal.sso.eu-west-1.amazonaws.com", True),
        ("AWS_ENDPOINT_URL_SSO_OIDC", "https://oidc.eu-west-1.amazonaws.com", True),
        ("AWS_ENDPOINT_URL_SSO_OIDC", "http://127.0.0.1:1234", True),
        ("AWS_ENDPOINT_URL_SSO_OIDC", "https://sso.corp.example/oidc", True),
        ("AWS_ENDPOINT_URL_SSO_OIDC", "https://other.example", False),
        ("AWS_ENDPOINT_URL_SSO_OIDC", "http://oidc.eu-west-1.amazonaws.com", False),
        ("AWS_ENDPOINT_URL_SSO", "https://oidc.eu-west-1.amazonaws.com", False),
        ("AWS_ENDPOINT_URL_SSO", "https://sts.eu-west-1.amazonaws.com", False),
        ("AWS_ENDPOINT_URL", "https://evil.amazonaws.com", False),
    ],
)
def test_endpoints_that_may_get_a_token(variable: str, url: str, is_allowed: bool, tmp_path: Path) -> None:
    found = surroundings(GOOD["newer"], tmp_path, **{variable: url})
    section = found.configuration.profiles["p"]
    if not is_allowed:
        with pytest.raises(ConfigurationError, match="not allowed"):
            sso_config.read("p", section, found)
        return
    session = sso_config.read("p", section, found).session
    assert (session.oidc if variable.endswith("OIDC") else session.portal).endpoint == url
    assert (session.portal if variable.endswith("OIDC") else session.oidc).endpoint == ""


TWO = f"{SESSION}{SESSION.replace('corp', 'lab')}[profile p]\n{NEWER}{PLACE}[profile other]\nregion = a\n"


def test_which_sign_in_is_meant(tmp_path: Path) -> None:
    def chosen(config: str, session: str = "", profile: str = "", **variables: str) -> tuple[str, str]:
        found, of = sso_choosing.choose(surroundings(config, tmp_path, **variables), session, profile)
        return found.name or found.start_url, of

    assert chosen(TWO, "lab") == ("lab", "")
    assert chosen(TWO, "lab", AWS_PROFILE="p") == ("lab", "")
    assert chosen(TWO, profile="p") == ("corp", "p")
    assert chosen(TWO, AWS_PROFILE="p") == ("corp", "p")
    assert chosen(GOOD["newer"]) == ("corp", "")
    assert chosen(GOOD["older"]) == ("https://corp.awsapps.com/start", "p")
    assert chosen(f"{TWO}[default]\nsso_session = lab\n") == ("lab", "default")
    for config, session, profile in (
        (TWO, "", ""),
        (TWO, "no", ""),
        (TWO, "", "no"),
        (TWO, "", "other"),
        ("", "", ""),
        (f"{GOOD['older']}[profile q]\n{OLDER.replace('corp', 'lab')}", "", ""),
    ):
        with pytest.raises(ConfigurationError) as error:
            chosen(config, session, profile)
        assert error.value.hints
