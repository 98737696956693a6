"""The command `textproof`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import click

from .app import keys_of, redis_store, settings_or_exit
from .clients import ClientKeys, NotPossible
from .doctor import Mark, examine
from .limits import Limits, NotASubject
from .store.embedded import EmbeddedValkey, NoServer
from .verification.envelope import CannotRotate
from .verification.errors import StoreUnavailable, WrongSecret

HERE = Path(__file__).parents[1]
T = TypeVar("T")


@click.group(help="Phone verification that you run yourself.")
def main() -> None:
    """Group the commands."""


@main.command()
def run() -> None:
    """Serve on PORT (8000) with WORKERS (one a core); with a Valkey of its own unless REDIS_URL is set."""
    settings = settings_or_exit()
    address = f"http://{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
    click.echo(f"Textproof is on {address}  (Ctrl-C stops it)")
    if settings.sender == "demo":
        click.echo(f"This is the demo: no message is sent; read them at {address}/demo")
    if settings.REDIS_URL:
        sys.exit(_serve({}))
    try:
        with EmbeddedValkey() as valkey:
            click.echo(f"Other commands reach its store with TEXTPROOF_REDIS_URL={valkey.url}")
            sys.exit(_serve({"TEXTPROOF_REDIS_URL": valkey.url}))
    except NoServer as error:
        sys.exit(str(error))


@main.command()
@click.pass_obj
def doctor(questions: dict[str, Any] | None) -> None:
    """Say, line by line, what is right and what to fix. Exits with 1 when there is something to fix."""
    healthy = True
    for line in examine(settings_or_exit(), **questions or {}):
        click.echo(line)
        healthy = healthy and line.mark is not Mark.FIX
    sys.exit(0 if healthy else 1)


@main.group(invoke_without_command=True)
@click.pass_context
def limits(context: click.Context) -> None:
    """Show what is closed and what is nearly full; close and open numbers, ranges and countries."""
    settings = settings_or_exit()
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
    """Forget the wrong codes in a row of a number."""
    _said(lambda: limits.forgive(number))
    click.echo(f"Forgot the wrong codes of {number}.")


@main.group()
@click.pass_context
def keys(context: click.Context) -> None:
    """Make, list and revoke the keys of applications; rotate and seal the keyring."""
    settings = settings_or_exit()
    store = redis_store(settings)
    context.obj = ClientKeys(store)
    context.meta["keyring"] = keys_of(settings, store)


@keys.command()
@click.argument("name")
@click.option(
    "--region", "regions", multiple=True, help="Where it may send to (US); all that is allowed, unless given."
)
@click.option("--return-url", "return_urls", multiple=True, help="Where hosted sessions may send people back to.")
@click.option("--quota", multiple=True, help="What it may send, count/seconds (100/3600).")
@click.pass_obj
def add(keys: ClientKeys, name: str, regions: tuple[str], return_urls: tuple[str], quota: tuple[str]) -> None:
    """Make a key for the application NAME. It is shown once, in the last line."""
    key = _said(lambda: keys.add(name, regions=regions, return_urls=return_urls, quota=quota, now=time.time()))
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
    except (NotASubject, NotPossible, CannotRotate, WrongSecret) as error:
        sys.exit(f"{error}.")
    except StoreUnavailable:
        sys.exit("Redis does not answer. Nothing was changed.")


def _serve(environ: dict[str, str]) -> int:
    """Run gunicorn until it ends, and return its exit code; what ends us, ends it first."""
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        str(HERE / "gunicorn.conf.py"),
        "service.app:create_app()",
    ]
    server = subprocess.Popen(command, env=os.environ | environ, cwd=HERE)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.terminate()

    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, stop)
    return server.wait()


if __name__ == "__main__":
    main()
