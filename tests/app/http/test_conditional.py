"""Conditional requests and Cache-Control follow the RFCs, also for invalid headers."""

import pytest
from starlette.datastructures import Headers

from app.http.conditional import choose_cache_control, is_not_modified, normalise_date

DATE = "Tue, 20 Oct 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "tag", "expected"),
    [
        ({}, '"a"', False),
        ({"if-none-match": '"a"'}, '"a"', True),
        ({"if-none-match": 'W/"a"'}, '"a"', True),
        ({"if-none-match": '"b", "a"'}, '"a"', True),
        ({"if-none-match": "*"}, '"a"', True),
        ({"if-none-match": "a"}, '"a"', False),
        ({"if-none-match": '"aa"'}, '"a"', False),
        ({"if-none-match": '"a'}, '"a"', False),
        ({"if-none-match": '"b"', "if-modified-since": DATE}, '"a"', False),
        ({"if-none-match": '"a"'}, None, False),
        ({"if-modified-since": DATE}, None, True),
        ({"if-modified-since": "Tue, 20 Oct 2026 09:59:59 GMT"}, None, False),
        ({"if-modified-since": "Tue, 99 Oct 9999999 10:00:00 GMT"}, None, False),
        ({"if-modified-since": ""}, None, False),
    ],
)
def test_a_copy_is_valid_by_its_tag_or_else_by_its_date(
    headers: dict[str, str], tag: str | None, expected: bool
) -> None:
    assert is_not_modified(Headers(headers), tag, DATE) is expected


def test_dates_get_the_preferred_form_or_none() -> None:
    assert normalise_date(DATE) == DATE
    assert normalise_date("Tue, 20 Oct 2026 12:00:00 +0200") == DATE
    for wrong in ("", "x", "Tue, 20 Oct 2026 25:00:00 GMT", "\x00", "0" * 10_000):
        assert normalise_date(wrong) == ""


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ("", "public, max-age=100"),
        ("max-age=10", "public, max-age=10"),
        ("max-age=1000", "public, max-age=100"),
        ('MAX-AGE="10"', "public, max-age=10"),
        ("max-age=10, s-maxage=20", "public, max-age=20"),
        ("max-age=x", "public, max-age=100"),
        ("max-age=-1", "public, max-age=100"),
        ("no-store, max-age=10", "no-store"),
        ("private", "no-store"),
        ("no-cache=x", "no-cache"),
        ("max-age=" + "9" * 900, "public, max-age=100"),
    ],
)
def test_a_response_is_cached_no_longer_than_its_source_allows(
    upstream: str, expected: str
) -> None:
    assert choose_cache_control(upstream, 100) == expected
