"""Equal uploads: the time of a hit in the result cache, and a hundred equal uploads at once.

One client on one connection sends each photo once (a miss) and then all of them repeatedly (hits).
Then ``--together`` clients send the same new photo at once.
"""

import argparse
import json
import sys
import threading
from pathlib import Path
from typing import Any, Final

from bench.datasets.uploads import generate_photo, load_photos, to_jpeg
from bench.environment import describe_machine, find_data, write_result
from bench.load.closed_loop import DEFAULT_OPTIONS, Connection, HttpError, Sample, send
from bench.load.service_process import ServiceError, started_service
from bench.load.statistics import percentile, read_metrics, rounded

MISSES: Final = 'foveate_cache_total{outcome="miss"}'
JOINED: Final = 'foveate_cache_total{outcome="joined"}'
NEW_SEED: Final = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--images", type=Path, default=find_data() / "kodak", help="folder of photos (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of hits (%(default)s)")
    parser.add_argument("--requests", type=int, default=400, help="hits per round (%(default)s)")
    parser.add_argument(
        "--together", type=int, default=100, help="clients that send one new photo (%(default)s)"
    )
    parser.add_argument(
        "--options", default=DEFAULT_OPTIONS, help="query of /compress (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if a response is missing or a photo was computed twice."""
    photos, described = load_photos(args.images, "jpeg")
    target = f"/compress?{args.options}"
    try:
        with started_service() as (url, _):
            figures = measure_hits(url, target, photos, args.rounds, args.requests)
            figures["together"] = measure_together(url, target, args.together)
    except (ServiceError, HttpError) as error:
        print(f"bench cache: {error}", file=sys.stderr)
        return 1
    print(json.dumps(rounded(figures), indent=2))
    meta = {**describe_machine(), "photos": described, "options": args.options}
    write_result(args.out, {"meta": meta, "summary": rounded(figures)})
    together = figures["together"]
    return 0 if together["computed"] == 1 and together["answered"] == args.together else 1


def measure_hits(
    url: str, target: str, photos: list[bytes], rounds: int, requests: int
) -> dict[str, Any]:
    """Return the times of misses and hits in milliseconds.

    Raises:
        HttpError: a photo gets no JPEG, or is computed again.
    """
    connection = Connection(url, cached=True)
    try:
        misses = [time_request(connection, target, photo) for photo in photos]
        before = read_metrics(url).get(MISSES, 0.0)
        hits = [
            [time_request(connection, target, photos[n % len(photos)]) for n in range(requests)]
            for _ in range(rounds)
        ]
        computed = read_metrics(url).get(MISSES, 0.0) - before
    finally:
        connection.close()
    if computed:
        raise HttpError(f"{computed:.0f} photos were computed again: the cache is too small")
    all_hits = [elapsed for elapsed_ms in hits for elapsed in elapsed_ms]
    return {
        "miss": describe(misses),
        "hit": describe(all_hits),
        "rounds": [describe(elapsed_ms) for elapsed_ms in hits],
    }


def time_request(connection: Connection, target: str, photo: bytes) -> float:
    """Return the milliseconds until a photo's JPEG.

    Raises:
        HttpError: there is no JPEG.
    """
    sample = send(connection, target, photo)
    if sample.status != 200:
        raise HttpError(f"the service responded {sample.status}")
    return sample.elapsed_ms


def describe(elapsed_ms: list[float]) -> dict[str, float]:
    """Return the median and the 99th percentile."""
    return {f"p{round(100 * share)}_ms": percentile(elapsed_ms, share) for share in (0.5, 0.99)}


def measure_together(url: str, target: str, clients: int) -> dict[str, float]:
    """Return how many of the equal uploads got a response, how many shared one and were computed."""
    photo = to_jpeg(generate_photo(768, 512, NEW_SEED))
    samples: list[Sample] = []
    at_once = threading.Barrier(clients)

    def upload() -> None:
        connection = Connection(url, cached=True)
        at_once.wait()
        samples.append(send(connection, target, photo))
        connection.close()

    before = read_metrics(url)
    threads = [threading.Thread(target=upload) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = read_metrics(url)
    return {
        "clients": clients,
        "answered": sum(sample.status == 200 for sample in samples),
        "computed": after.get(MISSES, 0.0) - before.get(MISSES, 0.0),
        "joined": after.get(JOINED, 0.0) - before.get(JOINED, 0.0),
    }
