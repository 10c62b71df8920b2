"""`tskaro authority`: what the broker needs of the certificate authority that `tskaro device` works with."""

from pathlib import Path
from typing import Annotated

import typer

from firmware_config.whole_file import PRIVATE, PUBLIC, replace_file
from server.device_cli import at_desk
from server.saying import SettingsPath, say
from server.settings import DEFAULT_PATH
from waterquality.errors import ConfigError

authority = typer.Typer(name="authority", no_args_is_help=True, help="The certificate authority.")


@authority.command()
def show(settings: SettingsPath = DEFAULT_PATH) -> None:
    """Show where the authority is and until when it is valid."""
    with at_desk(settings) as desk:
        certificate, revoked = desk.office.safe.signer().certificate, len(desk.office.revoked())
    say(f"{certificate.subject.rfc4514_string()}, valid until {certificate.not_valid_after_utc:%Y-%m-%d}")
    say(f"certificate  {desk.office.safe.authority}")
    say(f"taken back   {desk.office.safe.revocations} ({revoked} certificates)")


@authority.command()
def broker(
    names: Annotated[list[str], typer.Argument(help="Host names and addresses that devices know it by.")],
    to: Annotated[Path, typer.Option("--out", help="Where the broker's files go.")],
    settings: SettingsPath = DEFAULT_PATH,
) -> None:
    """Make the broker's certificate and key. The authority's certificate is laid beside them."""
    with at_desk(settings) as desk:
        issued = desk.office.issue_to_broker(names, desk.now)
        ca = desk.office.safe.authority.read_bytes()
        try:
            to.mkdir(parents=True, exist_ok=True)
            replace_file(to / "broker.key", issued.key, mode=PRIVATE)
            replace_file(to / "broker.pem", issued.certificate, mode=PUBLIC)
            replace_file(to / "ca.pem", ca, mode=PUBLIC)
        except OSError as error:
            raise ConfigError(f"{to}: cannot be written: {error.strerror}") from error
    say(f"{to}: ca.pem, broker.pem, broker.key, valid until {issued.not_after:%Y-%m-%d}")
    say(f"next: tskaro broker configure --out {to}")
