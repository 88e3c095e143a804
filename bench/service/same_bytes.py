"""Responses of two checkouts to the same uploads: equal bytes, or by how much they differ.

Each upload goes to the service of each checkout over HTTP. If two responses differ, their sizes and
their SSIMULACRA2 against the photo are compared.
"""

import argparse
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
from PIL import Image

from bench.datasets.uploads import UPLOAD_QUALITY, list_uploads, to_jpeg
from bench.environment import ROOT, describe_machine, read_revision, write_result
from bench.load.service_process import ServiceError, parse_checkout, started_service
from bench.metrics.ssimulacra2_fast import prepare_original, score

OPTIONS: Final[tuple[Mapping[str, str], ...]] = (
    {},
    {"quality": "50", "target": "size", "progressive": "false"},
    {"strength": "1"},
    {"width": "400"},
    {"heatmap": "map"},
)
TIMEOUT_S: Final = 120.0
# Allowed where a change of arithmetic changes bytes.
MAX_SIZE_CHANGE: Final = 0.001
MAX_SCORE_CHANGE: Final = 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument("--images", type=Path, required=True, help="folder of lossless photos")
    parser.add_argument(
        "--against",
        type=parse_checkout,
        required=True,
        metavar="CHECKOUT",
        help="folder of the other version, with its own .venv if it has one",
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Compare all responses, write the file; return 1 if one differs by more than is allowed."""
    paths = list_uploads(args.images)
    if not paths:
        print(f"bench same-bytes: no photos in {args.images}", file=sys.stderr)
        return 2
    try:
        before = collect(args.against, paths)
        after = collect(ROOT, paths)
    except (ServiceError, httpx.HTTPError) as error:
        print(f"bench same-bytes: {error}", file=sys.stderr)
        return 2
    differing = {
        key: compare(args.images / key.split()[0], before[key], body)
        for key, body in after.items()
        if body != before[key]
    }
    report = {
        "meta": {
            **describe_machine(),
            "before": read_revision(args.against),
            "after": read_revision(ROOT),
            "options": [dict(options) for options in OPTIONS],
            "uploads": ["as they are", f"as JPEG of quality {UPLOAD_QUALITY}"],
        },
        "summary": {"responses": len(after), "differing": len(differing)},
        "differing": differing,
    }
    write_result(args.out, report, indent=1)
    print(f"{len(after)} responses, {len(differing)} differ")
    return int(not all(is_allowed(change) for change in differing.values()))


def collect(folder: Path, paths: list[Path]) -> dict[str, bytes]:
    """Return the responses of one checkout's service by photo, upload format and options."""
    responses: dict[str, bytes] = {}
    # The response does not depend on which worker computes it, so one is enough.
    with started_service(workers=1, folder=folder) as (url, _), httpx.Client() as client:
        for path in paths:
            for name, data in (("original", path.read_bytes()), ("jpeg", encode_upload(path))):
                for options in OPTIONS:
                    key = f"{path.name} {name} {'&'.join(f'{k}={v}' for k, v in options.items())}"
                    responses[key] = request(client, url, data, options)
    return responses


def request(client: httpx.Client, url: str, data: bytes, options: Mapping[str, str]) -> bytes:
    """Return the JPEG, followed by the heatmap if the options ask for one."""
    response = client.post(
        f"{url}/compress", params=options, content=data, timeout=TIMEOUT_S
    ).raise_for_status()
    if "heatmap" not in options:
        return response.content
    link = response.headers["link"].partition("<")[2].partition(">")[0]
    heatmap = client.get(httpx.URL(url).join(link), timeout=TIMEOUT_S).raise_for_status()
    return response.content + heatmap.content


def encode_upload(path: Path) -> bytes:
    """Return a photo as the JPEG that a user would upload."""
    with Image.open(path) as opened:
        return to_jpeg(opened.convert("RGB"))


def compare(path: Path, before: bytes, after: bytes) -> dict[str, float]:
    """Return sizes in bytes and SSIMULACRA2 of both responses against the photo."""
    scores: list[float] = []
    for body in (before, after):
        with Image.open(io.BytesIO(body)) as opened:
            shown = np.asarray(opened.convert("RGB"))
        with Image.open(path) as opened:
            original = opened.convert("RGB").resize(shown.shape[1::-1], Image.Resampling.LANCZOS)
        scores.append(score(prepare_original(np.asarray(original)), shown))
    return {
        "bytes_before": len(before),
        "bytes_after": len(after),
        "ssimulacra2_before": scores[0],
        "ssimulacra2_after": scores[1],
    }


def is_allowed(change: Mapping[str, Any]) -> bool:
    """Return whether a difference is within what a change of arithmetic may cause."""
    size_change = abs(change["bytes_after"] / change["bytes_before"] - 1)
    score_change = abs(change["ssimulacra2_after"] - change["ssimulacra2_before"])
    return bool(size_change <= MAX_SIZE_CHANGE and score_change <= MAX_SCORE_CHANGE)
