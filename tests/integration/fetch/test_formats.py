"""`format=auto`: the format that a client's `Accept` names."""

import httpx

from tests.hostile_upstream import HostileUpstream
from tests.integration.fetch.conftest import path_of

BROWSER = {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}


def test_fetch_chooses_the_format_that_the_client_names(
    cdn: httpx.Client, upstream: HostileUpstream
) -> None:
    path = path_of(upstream.url("/photo.jpg"), "quality=44,format=auto")
    avif = cdn.get(path, headers=BROWSER)
    assert avif.headers["content-type"] == "image/avif"
    for accept in ("*/*", "image/*", "image/avif;q=0", "image/webp", "image/jpeg"):
        other = cdn.get(path, headers={"Accept": accept})
        assert other.headers["content-type"] == "image/jpeg", accept
        assert other.headers["vary"] == avif.headers["vary"] == "Accept"
        assert other.headers["etag"] != avif.headers["etag"]
    # Each form is one entry of the cache, and that of the format's own name.
    for name, form, headers in (("avif", avif, BROWSER), ("jpeg", other, {"Accept": "*/*"})):
        again = cdn.get(path, headers=headers)
        assert (again.content, "cache" in again.headers["server-timing"]) == (form.content, True)
        named = cdn.get(path_of(upstream.url("/photo.jpg"), f"quality=44,format={name}"))
        assert (named.content, "cache" in named.headers["server-timing"]) == (form.content, True)
        tag = {"If-None-Match": form.headers["etag"], **headers}
        assert cdn.get(path, headers=tag).status_code == 304
    crossed = {"If-None-Match": other.headers["etag"], **BROWSER}
    assert cdn.get(path, headers=crossed).content == avif.content
