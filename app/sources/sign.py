"""``python -m app.sources.sign URL``: print the path under which a service answers it by ``/fetch``."""

import argparse
import sys

from pydantic import ValidationError

from app.path_options import NO_OPTIONS, parse_path_options
from app.settings import AppSettings
from app.sources.signature import signed_path
from app.sources.source_url import parse_source_url
from contract.errors import FoveateError


def main() -> int:
    """Sign with the first of FETCH_KEYS; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.sources.sign", description=__doc__)
    parser.add_argument("url", help="where the photo is")
    parser.add_argument(
        "--options",
        default=NO_OPTIONS,
        help="those of POST /compress as name=value, with commas between",
    )
    arguments = parser.parse_args()
    try:
        settings = AppSettings()
    except ValidationError as error:
        print(f"foveate: invalid setting: {error}", file=sys.stderr)
        return 2
    if not settings.fetch_keys:
        print("foveate: FETCH_KEYS is not set", file=sys.stderr)
        return 2
    try:
        parse_source_url(arguments.url)
        parse_path_options(arguments.options)
    except FoveateError as error:  # what the service would refuse needs no signature
        print(f"foveate: {error.detail}", file=sys.stderr)
        return 1
    key = settings.fetch_keys[0].get_secret_value().encode()
    print(signed_path(key, arguments.url, arguments.options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
