"""The chapter on multi-factor authentication as one script: what people do by hand elsewhere, by commands."""

from tests.aws_server.client import LocalAws
from tests.programs.aws_items import IDENTITY
from tests.programs.pictures import picture
from tests.programs.user import User


def test_from_the_consoles_file_and_a_picture_to_a_command_with_mfa(user: User) -> None:
    with LocalAws("ada") as aws:
        ada, device = aws.users["ada"], aws.add_device("ada")
        role = aws.add_role("guarded", ["ada"], needs_mfa=True)
        user.variables.update(aws.environment())
        user.account()
        user.aws_files(
            "",
            f"[default]\nregion = eu-central-1\n[profile guarded]\nrole_arn = {role}\n"
            "source_profile = default\nregion = eu-central-1\n",
        )
        keys = f"Access key ID,Secret access key\r\n{ada.access_key_id},{ada.secret_access_key}\r\n"
        (user.home / "ada_accessKeys.csv").write_text(keys)
        code = picture(user.home / "code.png", f"otpauth://totp/AWS:ada?secret={device.secret}&issuer=AWS")
        script = f"""
            set -e
            keyturn signin --password-file {user.password_file()} 2>/dev/null
            keyturn aws import --console-csv ada_accessKeys.csv --delete-file 2>/dev/null
            keyturn item edit ada --otp-qr {code}
            keyturn item edit ada 'mfa serial={device.serial}'
            keyturn plugin init aws --item ada --no-input --no-shell-rc --also '' >/dev/null 2>&1
            keyturn item get ada --otp
            keyturn plugin run -- {IDENTITY}
            keyturn plugin run -- {IDENTITY} --profile guarded
        """
        done = user.sh(script, seconds=90).succeeds()
        shown, itself, as_role = done.output.splitlines()
        assert len(shown) == 6
        assert itself == ada.arn
        assert as_role.endswith(":assumed-role/guarded/keyturn")
        (session,) = aws.calls("GetSessionToken")
        assert (session.serial, session.has_code, session.status) == (device.serial, True, 200)
        (assumed,) = aws.calls("AssumeRole")
        assert (assumed.key_kind, assumed.has_code) == ("session", False), "one code serves both"
        assert not (user.home / "ada_accessKeys.csv").exists()
