"""Preferences are parsed as the RFCs define them; invalid entries are ignored."""

import pytest
from starlette.datastructures import Headers

from app.http.preferences import (
    accepts_avif,
    choose_media_type,
    parse_cached,
    parse_entity_tags,
    parse_preferences,
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/jpeg", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("multipart/mixed", "multipart/mixed"),
        ("Multipart/Mixed", "multipart/mixed"),
        ("multipart/*", "multipart/mixed"),
        ("application/json", "application/json"),
        ("application/json;q=0.2", "application/json"),
        ("application/json, image/jpeg;q=0.5", "application/json"),
        ("multipart/mixed;q=0.5, image/*", "image/jpeg"),
        # Some HTTP libraries send this with every request.
        ("application/json, text/plain, */*", "image/jpeg"),
        ("application/json, */*;q=0.5", "application/json"),
        # For each media type the most specific entry counts.
        ("*/*, image/jpeg;q=0.1, multipart/*;q=0.2, application/json;q=0.3", "application/json"),
        ("multipart/mixed; q=0", "image/jpeg"),
        ("image/jpeg;q=0, application/json;q=0.001", "application/json"),
        # Who names AVIF wants the photo, not its statistics.
        ("image/avif", "image/jpeg"),
        ("image/avif, application/json;q=0.5", "image/jpeg"),
        ("application/json, image/avif;q=0.5", "application/json"),
        ("image/avif;q=0, image/*, application/json;q=0.5", "image/jpeg"),
        ("text/html", "image/jpeg"),
        ("application/json;q=nan", "application/json"),
        ("application/json;q=-1, */*;q=0.9", "application/json"),
        (",;,;;q=,/,\x00", "image/jpeg"),
        ("a/b," * 5000 + "application/json", "image/jpeg"),
    ],
)
def test_the_media_type_with_the_highest_weight_is_chosen(accept: str, expected: str) -> None:
    assert choose_media_type(accept) == expected


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        ("respond-async", True),
        ("Respond-Async; x=1, wait=10", True),
        ("wait=10", False),
        ("respond-asynchronously", False),
        ("", False),
    ],
)
def test_respond_async_asks_for_a_detached_job(prefer: str, expected: bool) -> None:
    assert parse_preferences(Headers({"Prefer": prefer})).detached is expected


@pytest.mark.parametrize(
    ("value", "may_reuse", "may_store"),
    [
        ("", True, True),
        ("no-cache", False, True),
        ("NO-STORE", False, False),
        ("max-age=0", True, True),
    ],
)
def test_a_client_can_refuse_the_cache(value: str, may_reuse: bool, may_store: bool) -> None:
    preferences = parse_preferences(Headers({"Cache-Control": value}))
    assert (preferences.may_reuse, preferences.may_store) == (may_reuse, may_store)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"abc"', {"abc"}),
        ('W/"abc", "d,e"', {"abc", "d,e"}),
        ("*", set()),
        ("abc", set()),
        ('"', set()),
        ('""', {""}),
    ],
)
def test_only_quoted_entity_tags_are_parsed(value: str, expected: set[str]) -> None:
    assert parse_entity_tags(Headers({"If-None-Match": value})) == expected


def test_repeated_headers_form_one_list() -> None:
    headers = Headers(
        raw=[(b"accept", b"text/html"), (b"accept", b"application/json"), (b"prefer", b"x")]
    )
    assert parse_preferences(headers).media_type == "application/json"


def test_long_headers_are_not_cached() -> None:
    parse_cached.cache_clear()
    tags = ",".join(f'"{number}"' for number in range(5000))
    preferences = parse_preferences(Headers({"if-none-match": tags}))
    assert "4999" in preferences.entity_tags
    assert parse_cached.cache_info().currsize == 0
    assert parse_preferences(Headers({"if-none-match": '"a"'})).entity_tags == {"a"}
    assert parse_cached.cache_info().currsize == 1


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("image/avif", True),
        ("Image/AVIF;q=0.1", True),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", True),
        ("image/avif, image/jpeg", True),
        ("", False),
        ("*/*", False),
        ("image/*", False),
        ("image/avif;q=0", False),
        ("image/avif;q=0.0, image/*", False),
        ("image/avif, image/avif;q=0", False),
        ("image/avif;q=0.5, image/jpeg", False),
        ("image/avif-sequence, ximage/avif", False),
        (",;image/avif", False),
    ],
)
def test_avif_is_accepted_only_where_it_is_named(accept: str, expected: bool) -> None:
    assert accepts_avif(Headers({"accept": accept})) is expected
    assert accepts_avif(Headers({})) is False
