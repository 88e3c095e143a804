"""Photos come from allowed buckets of the one store, whatever it answers."""

import asyncio
from collections.abc import Iterator

import pytest

from app.sources.client import Source
from app.sources.s3 import S3Store
from app.sources.s3_signature import Credentials
from app.sources.s3_url import parse_endpoint
from contract.errors import (
    BodyTooLargeError,
    DeadlineError,
    ForbiddenSourceError,
    FoveateError,
    UpstreamError,
)
from tests.hostile_upstream import PHOTO, HostileUpstream, hostile_upstream
from tests.s3_store import BUCKET, OTHER_BUCKET, UNREADABLE_BUCKET, Store, run_store

MAX_BYTES = 1_000_000
KEYS = ["a.jpg", "folder/my photo.jpg", "ü/世 +&=?#%20.jpg", "a//b.jpg", "~x*'()!@$,;:.jpg", "/a"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    objects = {(BUCKET, key): key.encode() for key in KEYS}
    objects |= {(bucket, "a.jpg"): PHOTO for bucket in (OTHER_BUCKET, UNREADABLE_BUCKET)}
    objects[BUCKET, "huge.jpg"] = bytes(MAX_BYTES + 1)
    with run_store(objects, tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileUpstream]:
    with hostile_upstream() as server:
        yield server


def fetch(
    endpoint: str,
    text: str,
    *,
    credentials: tuple[str, str] = ("id", "secret"),
    timeout_s: float = 10,
    read_timeout_s: float = 10,
) -> Source:
    """Fetch an object from a store whose buckets of `photos` and of hostile answers are allowed."""
    buckets = (
        *(BUCKET, UNREADABLE_BUCKET, "redirect", "status", "loop", "endless", "endless-chunks"),
        *("drip", "silence", "stall", "nonsense", "nothing", "two-lengths", "announce", "headers"),
        *("nowhere", "endless-head", "photo.jpg"),
    )

    async def run() -> Source:
        s3 = S3Store(
            parse_endpoint(endpoint),
            "us-east-1",
            Credentials(*credentials),
            buckets,
            max_bytes=MAX_BYTES,
            timeout_s=timeout_s,
            read_timeout_s=read_timeout_s,
        )
        try:
            return await s3.upstream.fetch(s3.locate(text), lambda _: None)
        finally:
            await s3.upstream.close()

    return asyncio.run(run())


@pytest.mark.parametrize("key", KEYS)
def test_an_object_of_any_name_is_fetched(store: Store, key: str) -> None:
    credentials = (store.access_key_id, store.secret_access_key)
    source = fetch(store.url, f"s3://{BUCKET}/{key}", credentials=credentials)
    assert source.data == key.encode()
    assert source.headers["cache-control"] == "max-age=60"
    assert "last-modified" in source.headers


def test_wrong_credentials_get_nothing(store: Store) -> None:
    for credentials in (
        (store.access_key_id, store.secret_access_key[:-1] + "x"),
        ("AKIAIOSFODNN7EXAMPLE", store.secret_access_key),
    ):
        with pytest.raises(UpstreamError, match="status 403"):
            fetch(store.url, f"s3://{BUCKET}/a.jpg", credentials=credentials)


def test_only_allowed_and_readable_buckets_are_read(store: Store) -> None:
    credentials = (store.access_key_id, store.secret_access_key)
    with pytest.raises(ForbiddenSourceError, match="bucket is not on the allow-list"):
        fetch(store.url, f"s3://{OTHER_BUCKET}/a.jpg", credentials=credentials)
    with pytest.raises(UpstreamError, match="status 403"):
        fetch(store.url, f"s3://{UNREADABLE_BUCKET}/a.jpg", credentials=credentials)
    with pytest.raises(UpstreamError, match=r"status 40[34]"):
        fetch(store.url, f"s3://{BUCKET}/missing.jpg", credentials=credentials)
    with pytest.raises(BodyTooLargeError):
        fetch(store.url, f"s3://{BUCKET}/huge.jpg", credentials=credentials)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("redirect/http://127.0.0.1:PORT/photo.jpg", UpstreamError),
        ("redirect/http://169.254.169.254/latest/meta-data/", UpstreamError),
        ("redirect//photo.jpg", UpstreamError),
        ("loop/x", UpstreamError),
        ("nowhere/x", UpstreamError),
        ("status/301", UpstreamError),
        ("status/307", UpstreamError),
        ("status/500", UpstreamError),
        ("status/204", UpstreamError),
        ("status/206", UpstreamError),
        ("nonsense/x", UpstreamError),
        ("nothing/x", UpstreamError),
        ("two-lengths/x", UpstreamError),
        ("endless-head/x", UpstreamError),
        ("headers/gzip", UpstreamError),
        (f"announce/{len(PHOTO) + 1}", UpstreamError),
        (f"announce/{MAX_BYTES + 1}", BodyTooLargeError),
        ("endless/x", BodyTooLargeError),
        ("endless-chunks/x", BodyTooLargeError),
        ("silence/x", DeadlineError),
        ("stall/x", DeadlineError),
        ("drip/x", DeadlineError),
    ],
)
def test_a_store_that_misbehaves_is_an_error_in_time(
    hostile: HostileUpstream, name: str, error: type[FoveateError]
) -> None:
    before = len(hostile.requests)
    with pytest.raises(error):
        fetch(hostile.url(""), f"s3://{name}", timeout_s=2, read_timeout_s=0.5)
    assert len(hostile.requests) == before + 1


def test_a_dead_store_is_an_error() -> None:
    with hostile_upstream() as server:
        url = server.url("")
    with pytest.raises(UpstreamError):
        fetch(url, f"s3://{BUCKET}/a.jpg")


def test_a_request_has_nothing_but_the_signature(hostile: HostileUpstream) -> None:
    assert fetch(hostile.url(""), "s3://photo.jpg/key").data == PHOTO
    head = hostile.requests[-1].lower()
    assert head.startswith("get /photo.jpg/key http/1.1\r\n")
    assert "credential=id/" in head
    assert "secret" not in head
    assert head.count("host:") == 1
