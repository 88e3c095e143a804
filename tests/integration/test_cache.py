"""Equal uploads cost the worker one photo, also while the first one is under way."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.integration.running import Running, metric
from tests.photos import file_of, photo


def count_inferences(service: Running) -> float:
    """Return how many photos the worker has processed."""
    return metric(service.url, "foveate_batch_size_sum")


def count_outcomes(service: Running, outcome: str) -> float:
    """Return how many uploads had this outcome; without any there is no such line."""
    try:
        return metric(service.url, f'foveate_cache_total{{outcome="{outcome}"}}')
    except AssertionError:
        return 0


def test_a_hit_is_the_same_response_without_work(service: Running, client: httpx.Client) -> None:
    data = file_of(photo(seed=41))
    first = client.post("/compress", content=data)
    before, hits = count_inferences(service), count_outcomes(service, "hit")
    again = client.post("/compress", content=data)
    form = client.post("/compress", files={"file": data}, data={"quality": "75"})
    for hit in (again, form):
        assert hit.content == first.content
        assert hit.headers["etag"] == first.headers["etag"]
        assert 'cache;desc="hit"' in hit.headers["server-timing"]
        for name in ("x-original-bytes", "x-compressed-bytes", "x-reference-bytes"):
            assert hit.headers[name] == first.headers[name]
    assert 'cache;desc="hit"' not in first.headers["server-timing"]
    assert count_inferences(service) == before
    assert count_outcomes(service, "hit") - hits == 2


def test_another_option_or_byte_is_no_hit(client: httpx.Client) -> None:
    data = file_of(photo(seed=42))
    tags = {
        client.post("/compress", params=options, content=content).headers["etag"]
        for options, content in (
            ({}, data),
            ({"quality": "74"}, data),
            ({"heatmap": "map"}, data),
            ({}, data + b"\0"),
        )
    }
    assert len(tags) == 4


def test_a_hundred_equal_uploads_at_once_are_one_inference(
    service: Running, client: httpx.Client
) -> None:
    data = file_of(photo(640, 480, seed=43))
    before = count_inferences(service)
    with ThreadPoolExecutor(100) as pool:
        responses = list(
            pool.map(lambda _: client.post("/compress", content=data, timeout=120), range(100))
        )
    assert {response.status_code for response in responses} == {200}
    assert len({response.content for response in responses}) == 1
    assert count_inferences(service) - before == 1


def test_equal_broken_uploads_all_get_the_error(service: Running, client: httpx.Client) -> None:
    data = file_of(photo(640, 480, seed=44))[:5000]
    before = count_inferences(service)
    with ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(lambda _: client.post("/compress", content=data), range(20)))
    assert {response.status_code for response in responses} == {422}
    # An error is not cached, only shared by those who wait for it.
    assert count_inferences(service) - before < 20


@pytest.mark.parametrize("form", ["image/jpeg", "multipart/mixed"])
def test_a_client_that_has_the_response_gets_304(
    service: Running, client: httpx.Client, form: str
) -> None:
    data = file_of(photo(seed=45))
    params = {"heatmap": "map"}
    first = client.post("/compress", params=params, content=data, headers={"Accept": form})
    before = count_inferences(service)
    headers = {"Accept": form, "If-None-Match": f'"other", {first.headers["etag"]}'}
    again = client.post("/compress", params=params, content=data, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["x-request-id"]
    assert count_inferences(service) == before
    changed = client.post("/compress", params={"quality": "60"}, content=data, headers=headers)
    assert changed.status_code == 200


def test_a_client_can_refuse_the_cache(service: Running, client: httpx.Client) -> None:
    data = file_of(photo(seed=46))
    before = count_inferences(service)
    for value in ("no-store", "no-store", "no-cache"):
        response = client.post("/compress", content=data, headers={"Cache-Control": value})
        assert 'cache;desc="hit"' not in response.headers["server-timing"]
    assert count_inferences(service) - before == 3
    hit = client.post("/compress", content=data)  # no-cache does store
    assert 'cache;desc="hit"' in hit.headers["server-timing"]


def test_clients_that_refuse_the_cache_share_no_job_with_others(
    service: Running, client: httpx.Client
) -> None:
    data = file_of(photo(640, 480, seed=47))
    client.post("/compress", content=data)
    before = count_inferences(service)
    headers_sent = [{}, {"Cache-Control": "no-cache"}] * 8
    with ThreadPoolExecutor(16) as pool:
        responses = list(
            pool.map(
                lambda headers: client.post("/compress", content=data, headers=headers),
                headers_sent,
            )
        )
    hits = ['cache;desc="hit"' in response.headers["server-timing"] for response in responses]
    assert hits == [not headers for headers in headers_sent]
    assert len({response.content for response in responses}) == 1
    assert count_inferences(service) > before
