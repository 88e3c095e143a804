"""/fetch of photos in an S3-compatible store that checks signatures."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.hostile_upstream import PHOTO, HostileUpstream
from tests.integration.fetch.conftest import fetch_settings, path_of
from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.http_requests import new_client, post
from tests.integration.running import ROOT, Running
from tests.integration.test_errors import problem
from tests.s3_store import BUCKET, OTHER_BUCKET, Store, run_store

KEY = "summer/my photo ü.jpg"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    objects = {(BUCKET, KEY): PHOTO, (OTHER_BUCKET, KEY): PHOTO, (BUCKET, "text.jpg"): b"hello"}
    with run_store(objects, tmp_path_factory.mktemp("store")) as running:
        yield running


def store_settings(store: Store) -> dict[str, str]:
    """Return the settings of a front end that reads one bucket."""
    return {
        "S3_ENDPOINT": store.url,
        "S3_BUCKETS": BUCKET,
        "AWS_ACCESS_KEY_ID": store.access_key_id,
        "AWS_SECRET_ACCESS_KEY": store.secret_access_key,
    }


@pytest.fixture(scope="module")
def front_end(service: Running, upstream: HostileUpstream, store: Store) -> Iterator[FrontEnd]:
    assert service.url
    settings = {**fetch_settings(upstream), **store_settings(store)}
    with run_front_end(service.redis_url, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def cdn(front_end: FrontEnd) -> Iterator[httpx.Client]:
    with new_client(base_url=front_end.url, timeout=30) as client:
        yield client


def test_a_photo_of_a_bucket_is_compressed(service: Running, cdn: httpx.Client) -> None:
    path = path_of(f"s3://{BUCKET}/{KEY}", "quality=40")
    response = cdn.get(path)
    assert response.status_code == 200, response.text
    assert response.content == post(f"{service.url}/compress?quality=40", content=PHOTO).content
    assert response.headers["cache-control"] == "public, max-age=60"
    again = cdn.get(path, headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304
    # The URL as it is, where a proxy has merged its slashes.
    signature = path.split("/")[2]
    merged = cdn.get(f"/fetch/{signature}/quality=40/s3:/{BUCKET}/summer/my%20photo%20%C3%BC.jpg")
    assert merged.status_code == 200, merged.text


def test_what_is_not_allowed_or_no_photo_is_refused(
    cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    for url, expected in (
        (f"s3://{OTHER_BUCKET}/{KEY}", (403, "forbidden-source")),
        (f"s3://{BUCKET}/../{OTHER_BUCKET}/{KEY}", (403, "forbidden-source")),
        (f"s3://{BUCKET}/missing.jpg", (502, "upstream-failed")),
        (f"s3://{BUCKET}/text.jpg", (415, "unsupported-image")),
        (f"s3://{BUCKET}", (400, "malformed-request")),
    ):
        assert problem(cdn.get(path_of(url))) == expected, url
    signed = path_of(f"s3://{BUCKET}/{KEY}")
    other = path_of(f"s3://{BUCKET}/text.jpg")
    forged = "/".join([*signed.split("/")[:-1], other.rsplit("/", 1)[1]])
    assert problem(cdn.get(forged)) == (403, "bad-signature")
    # Beside the store, the web works as before; the store is no source of the web.
    assert cdn.get(path_of(upstream.url("/photo.jpg"))).status_code == 200


def test_the_address_of_the_store_is_no_web_source(cdn: httpx.Client, store: Store) -> None:
    response = cdn.get(path_of(f"{store.url}/{BUCKET}/text.jpg"))
    assert problem(response) == (403, "forbidden-source")


def test_buckets_alone_turn_fetch_on(service: Running, store: Store) -> None:
    settings = {"FETCH_KEYS": "4f0d5c1e9a7b3f2d8c6e1a0b", **store_settings(store)}
    with run_front_end(service.redis_url, **settings) as front_end:
        assert httpx.get(front_end.url + path_of(f"s3://{BUCKET}/{KEY}")).status_code == 200
        web = httpx.get(front_end.url + path_of("http://127.0.0.1/"))
        assert problem(web) == (403, "forbidden-source")


def test_without_buckets_there_are_no_such_sources(fetching: FrontEnd) -> None:
    response = httpx.get(fetching.url + path_of(f"s3://{BUCKET}/{KEY}"))
    assert problem(response) == (403, "forbidden-source")
    assert "s3://" in response.json()["detail"]


def test_what_is_missing_is_named_at_the_start() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "app", "serve", "--port", "0"],
        cwd=ROOT,
        env={"S3_BUCKETS": BUCKET, "AWS_ACCESS_KEY_ID": "an-id"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        "foveate: S3_BUCKETS is invalid: it needs S3_ENDPOINT, AWS_SECRET_ACCESS_KEY as well\n"
    )
