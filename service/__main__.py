"""The command `textproof`."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import click

from .app import settings_or_exit
from .store.embedded import EmbeddedValkey, NoServer

HERE = Path(__file__).parents[1]


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
            sys.exit(_serve({"TEXTPROOF_REDIS_URL": valkey.url}))
    except NoServer as error:
        sys.exit(str(error))


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
