"""The command ``foveate sign``: prints the signed path of a photo for ``/fetch``."""

import argparse
import sys
import time

from pydantic import ValidationError

from app.path_options import EXPIRES, NO_OPTIONS, parse_path_options
from app.presets import Presets
from app.settings import AppSettings, describe_setting_error
from app.sources.s3_url import SCHEME, parse_s3_url
from app.sources.signature import signed_path
from app.sources.source_url import parse_source_url
from contract.errors import FoveateError


def run(arguments: argparse.Namespace) -> int:
    """Print the path signed with the first of FETCH_KEYS; return the exit code."""
    try:
        settings = AppSettings()
    except ValidationError as error:
        print(f"foveate: {describe_setting_error(error)}", file=sys.stderr)
        return 2
    if not settings.fetch_keys:
        print("foveate: FETCH_KEYS is not set", file=sys.stderr)
        return 2
    options = arguments.options
    if arguments.lifetime_s is not None:
        pairs = [] if options == NO_OPTIONS else [options]
        options = ",".join([*pairs, f"{EXPIRES}={int(time.time()) + arguments.lifetime_s}"])
    try:
        parse = parse_s3_url if arguments.url.startswith(SCHEME) else parse_source_url
        parse(arguments.url)
        parse_path_options(options, Presets(settings.presets, only=settings.only_presets == "on"))
    except FoveateError as error:  # the service would reject the request
        print(f"foveate: {error.detail}", file=sys.stderr)
        return 1
    key = settings.fetch_keys[0].get_secret_value().encode()
    print(signed_path(key, arguments.url, options))
    return 0
