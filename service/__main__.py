"""The command `textproof`."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import click

from .app import keys_of, redis_store, signing_keys_of
from .child_processes import ChildProcesses
from .commands import stats as figures
from .commands.doctor import NO_SUBJECT_KEY, Mark, examine
from .commands.keys import ClientKeys, NotPossible
from .commands.limits import Limits, NotASubject
from .commands.number import NotANumber, Trail
from .config import Settings, in_force, settings_or_exit
from .store.embedded import NoServer, start_valkey
from .verification.clients import ALGORITHMS
from .verification.envelope import CannotRotate
from .verification.errors import StoreUnavailable, WrongSecret

HERE = Path(__file__).parents[1]
VERSION = "0.1.0"  # pyproject.toml has the same: the image is not installed, and has none to ask
T = TypeVar("T")


@click.group(help="Phone verification that you run yourself.")
@click.version_option(VERSION, prog_name="textproof")
def main() -> None:
    """Group the commands."""


@main.command()
def run() -> None:
    """Serve on PORT (8000) with WORKERS (one a core); with a Valkey of its own unless REDIS_URL is set."""
    settings = settings_or_say()
    address = f"http://{settings.address}"
    said = [f"Textproof is on {address}  (Ctrl-C stops it)"]
    if settings.sender == "demo":
        said.append(f"This is the demo: no message is sent; read them at {address}/demo")
    environ = {}
    try:
        with ChildProcesses() as children:
            if not settings.REDIS_URL:
                environ["TEXTPROOF_REDIS_URL"] = start_valkey(children)
                reached = shlex.quote(environ["TEXTPROOF_REDIS_URL"])
                said.append(f"Other commands reach its store with TEXTPROOF_REDIS_URL={reached}")
            code = _serve(children, environ | {"SAY_WHEN_READY": "\n".join(said)})
    except NoServer as error:
        sys.exit(str(error))
    sys.exit(code)


@main.command()
def settings() -> None:
    """Print every setting that is in force, and where it came from. No secret is shown."""
    for line in in_force(settings_or_say()):
        click.echo(line)


@main.command()
@click.pass_obj
def doctor(questions: dict[str, Any] | None) -> None:
    """Say, line by line, what is right and what to fix. Exits with 1 when there is something to fix."""
    healthy = True
    for line in examine(settings_or_say(), **questions or {}):
        click.echo(line)
        healthy = healthy and line.mark is not Mark.FIX
    sys.exit(0 if healthy else 1)


@main.group(invoke_without_command=True)
@click.pass_context
def limits(context: click.Context) -> None:
    """Show what refuses and what is nearly full; close and open numbers, ranges and countries."""
    settings = settings_or_say()
    store = redis_store(settings)
    try:
        context.obj = Limits(store, keys_of(settings, store)(), settings.policy)
        if context.invoked_subcommand is None:
            for line in context.obj.show():
                click.echo(line)
    except WrongSecret as error:
        sys.exit(f"{error}.")
    except StoreUnavailable:
        sys.exit("Redis does not answer. Check REDIS_URL.")


@limits.command()
@click.argument("what")
@click.pass_obj
def block(limits: Limits, what: str) -> None:
    """Close a number (+12025550143), a range (+1202555) or a country (US)."""
    click.echo(f"Closed the {_said(lambda: limits.block(what))} {what}.")


@limits.command()
@click.argument("what")
@click.pass_obj
def lift(limits: Limits, what: str) -> None:
    """Open what was closed by a limit or by block."""
    click.echo(f"Opened {what}." if _said(lambda: limits.lift(what)) else f"{what} was not closed.")


@limits.command()
@click.argument("number")
@click.pass_obj
def forgive(limits: Limits, number: str) -> None:
    """Forget what strangers did to a number: their wrong codes and their messages."""
    click.echo(f"Forgot, of {number}: {_said(lambda: limits.forgive(number))}.")


@main.command()
@click.argument("number")
def number(number: str) -> None:
    """Tell what happened to a number (+12025550143) in the last TRAIL_DAYS, and what to do."""
    settings = settings_or_say()
    store = redis_store(settings)

    def told() -> list[str]:
        trail = Trail(store, keys_of(settings, store)(), settings.policy, hears_at=settings.hears_at)
        return list(trail.show(number))

    for line in _said(told):
        click.echo(line)


@main.command()
@click.argument("day", default="today")
@click.option("--days", "many", default=1, type=click.IntRange(1, figures.KEPT_DAYS), help="So many, up to DAY.")
@click.option("--json", "form", flag_value=figures.as_json, help="For programs.")
@click.option("--csv", "form", flag_value=figures.as_csv, help="For spreadsheets.")
def stats(day: str, many: int, form: Callable[[Sequence[figures.Row]], Iterator[str]] | None) -> None:
    """Tell the figures of DAY (2026-11-27, yesterday; today unless given), by country, channel and application."""
    store = redis_store(settings_or_say())
    try:
        days = figures.days(day, many, datetime.now(UTC).date())
    except ValueError:
        sys.exit(f"{day} is no day: write it like 2026-11-27, or yesterday.")
    rows = _said(lambda: [row for one in days for row in figures.read(store, one)])
    for line in (form or figures.as_table)(rows):
        click.echo(line)


@main.group()
@click.pass_context
def keys(context: click.Context) -> None:
    """Make, list and revoke the keys of applications; rotate and seal the keyring."""
    settings = settings_or_say()
    store = redis_store(settings)
    context.obj = ClientKeys(store, settings)
    context.meta["keyring"] = keyring = keys_of(settings, store)
    context.meta["signing"] = signing_keys_of(settings, store, keyring, time.time)
    context.meta["settings"] = settings


@keys.command()
@click.argument("name")
@click.option(
    "--region", "regions", multiple=True, help="Where it may send to (US); all that is allowed, unless given."
)
@click.option("--quota", multiple=True, help="What it may send, count/seconds (100/3600).")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="OpenID Connect: where people may go back to.")
@click.option("--public", "is_public", is_flag=True, help="It runs in browsers or on phones, and can keep no key.")
@click.option("--brand", default="", help="What people know it by, on the pages and in the message.")
@click.option("--post-cancel-uri", "cancel_uri", default="", help="Where people go back to who give up.")
@click.option("--alg", "algorithm", type=click.Choice(ALGORITHMS), help="What its ID tokens are signed with (RS256).")
@click.pass_context
def add(context: click.Context, /, name: str, **facts: Any) -> None:  # noqa: ANN401
    """Make a key for the application NAME. It is shown once, in the last line.

    With --redirect-uri it is a client of OpenID Connect: NAME is its client_id, and the key its client_secret. Another
    key of the same application has what its newest one has, unless it is said anew.
    """
    facts = {fact: value for fact, value in facts.items() if value}
    keys: ClientKeys = context.obj
    key = _said(lambda: keys.add(name, now=time.time(), **facts))
    if "redirect_uris" in facts:
        _said(context.meta["signing"].prepare)
        if not context.meta["settings"].SUBJECT_KEY:
            click.echo(f"Note: {NO_SUBJECT_KEY}.", err=True)
    if key == name:
        click.echo(f"This is the client_id of {name}. It has no key.")
    else:
        click.echo(f"This is the key of {name}. It is not shown again.")
    click.echo(key)


@keys.command("list")
@click.pass_obj
def list_(keys: ClientKeys) -> None:
    """List the keys: prefix, name, day, and what each may do."""
    for line in _said(lambda: list(keys.show())):
        click.echo(line)


@keys.command()
@click.argument("name")
@click.pass_obj
def revoke(keys: ClientKeys, name: str) -> None:
    """Revoke the keys of the application NAME, or one key by its prefix (tp_1a2b3c4d)."""
    count = _said(lambda: keys.revoke(name))
    if not count:
        sys.exit(f"There is no key of {name}.")
    click.echo(f"Revoked {count} {'key' if count == 1 else 'keys'} of {name}.")


@keys.command()
@click.pass_context
def rotate(context: click.Context) -> None:
    """Add a generation to the keyring, after a leak. Codes, blocks, limits and opt-outs stay as they are."""
    _said(context.meta["keyring"].rotate)
    click.echo("The keyring has a new generation. What the earlier ones closed still opens.")


@keys.command("rotate-signing")
@click.pass_context
def rotate_signing(context: click.Context) -> None:
    """Make new keys to sign ID tokens with. The old ones are published for an hour after that."""
    _said(context.meta["signing"].rotate)
    click.echo("There are new signing keys. They sign in a minute, when everybody has seen them.")


@keys.command()
@click.pass_context
def reseal(context: click.Context) -> None:
    """Let no other secret open the keyring than SECRET_KEY and SECRET_KEY_FALLBACKS as they are set here."""
    count = _said(context.meta["keyring"].reseal)
    click.echo(f"{count} other {'secret opens' if count == 1 else 'secrets open'} the keyring no more.")


@keys.command()
@click.pass_context
def discard(context: click.Context) -> None:
    """Remove the keyring from Redis, where a replica with a wrong secret came first; a running one puts its own back.

    Where none has one, the next makes a new keyring: codes, cookies, limits and opt-outs of the old one are lost.
    """
    _said(context.meta["keyring"].discard)
    click.echo("The keyring is removed. The next replica that is asked puts its own back, or makes one.")


def _said(step: Callable[[], T]) -> T:
    """Do what an operator said, or say what is wrong with it."""
    try:
        return step()
    except (NotASubject, NotANumber, NotPossible, CannotRotate, WrongSecret) as error:
        sys.exit(f"{error}.")
    except StoreUnavailable:
        sys.exit("Redis does not answer. Nothing was changed.")


def settings_or_say() -> Settings:
    """Return the settings, and say where they were found; where they are wrong, say what to put right and end."""
    settings = settings_or_exit()
    click.echo(settings.origin, err=True)
    return settings


def _serve(children: ChildProcesses, environ: dict[str, str]) -> int:
    """Run gunicorn until it ends, and return its exit code; what ends us, ends it first."""
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        str(HERE / "gunicorn.conf.py"),
        "service.app:create_app()",
    ]
    # In the current folder, as we are: what was read there is what is served.
    paths = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    server = children.start(command, env=os.environ | environ | {"PYTHONPATH": paths})

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.terminate()

    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, stop)
    return server.wait()


if __name__ == "__main__":
    main()
