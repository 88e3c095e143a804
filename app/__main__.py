"""The command ``foveate`` (``python -m app``): runs a service, compresses photos, signs URLs."""

import argparse
import sys
from pathlib import Path

from app.client.arguments import USAGE, add_arguments, parse_count
from contract.version import VERSION


def main() -> int:
    """Run the chosen command; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="foveate", description="Photos that spend their bytes where people look."
    )
    parser.add_argument("--version", action="version", version=f"foveate {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run Redis, front ends and workers on this machine")
    run.add_argument("--host", default="127.0.0.1")
    run.add_argument(
        "--port", type=parse_port, default=8000, help="0 chooses a free one (default: 8000)"
    )
    run.add_argument(
        "--front-ends",
        type=parse_count,
        default=1,
        help="HTTP processes on the port (default: 1)",
    )
    run.add_argument(
        "--workers", type=parse_count, help="default: one per core, as far as memory allows"
    )
    compress = commands.add_parser("compress", help="compress photos and folders through a service")
    add_arguments(compress)
    sign = commands.add_parser("sign", help="print the signed path of a photo for /fetch")
    sign.add_argument("url", help="URL of the photo")
    sign.add_argument(
        "--options",
        default="-",
        help="options of POST /compress: name=value pairs separated by commas",
    )
    sign.add_argument(
        "--lifetime-s",
        type=parse_count,
        metavar="SECONDS",
        help="how long the path is valid (default: it never expires)",
    )
    serve = commands.add_parser(
        "serve", help="run one front end; REDIS_URL is the address of Redis"
    )
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=parse_port, default=8000)
    serve.add_argument(
        "--fd", type=int, help="file descriptor of a listening socket, instead of host and port"
    )
    serve.add_argument(
        "--shared", type=Path, help="folder where the front ends of one port share their metrics"
    )
    serve.add_argument(
        "--number", type=parse_count, default=1, help="number of this front end among them"
    )
    arguments = parser.parse_args()
    try:
        return run_command(arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in {"app", "contract"}:
            raise
        print(f"foveate: an extra of the project is not installed: {error}", file=sys.stderr)
        return USAGE


def run_command(arguments: argparse.Namespace) -> int:
    """Run the parsed command; return the exit code."""
    if arguments.command == "compress":
        from app.client.command import run as compress_photos  # noqa: PLC0415

        return compress_photos(arguments)
    if arguments.command == "sign":
        from app.sources.sign import run as sign_url  # noqa: PLC0415

        return sign_url(arguments)
    from pydantic import ValidationError  # noqa: PLC0415

    from app.settings import AppSettings, describe_setting_error  # noqa: PLC0415

    try:
        settings = AppSettings()
    except ValidationError as error:
        print(f"foveate: {describe_setting_error(error)}", file=sys.stderr)
        return USAGE
    if arguments.command == "run":
        from app.supervision.supervisor import Supervisor  # noqa: PLC0415

        return Supervisor(
            (arguments.host, arguments.port), arguments.front_ends, arguments.workers, settings
        ).run()
    from app.serve import serve as serve_http  # noqa: PLC0415

    serve_http(
        settings,
        (arguments.host, arguments.port),
        fd=arguments.fd,
        number=arguments.number,
        shared=arguments.shared,
    )
    return 0


def parse_port(text: str) -> int:
    """Return a TCP port; 0 stands for a free one.

    Raises:
        argparse.ArgumentTypeError: when ``text`` is none.
    """
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("must be a whole number from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
