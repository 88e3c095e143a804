"""Conditional requests and Cache-Control follow the RFCs, also for invalid headers."""

import pytest
from starlette.datastructures import Headers

from app.http.conditional import choose_cache_control, is_not_modified, may_store, normalise_date

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
    ("given", "expected"),
    [
        ("", "public, max-age=100"),
        ("max-age=10", "public, max-age=10"),
        ("max-age=1000", "public, max-age=100"),
        ('MAX-AGE="10"', "public, max-age=10"),
        ("max-age=10, s-maxage=20", "public, max-age=20"),
        ("max-age=60, max-age=10, max-age=70", "public, max-age=10"),
        # What is no number of seconds counts as none (RFC 9111, 4.2.1).
        ("max-age=x", "public, max-age=0"),
        ("max-age=-1", "public, max-age=0"),
        ("max-age", "public, max-age=0"),
        ("no-store, max-age=10", "no-store"),
        ("private", "no-store"),
        ('Private="set-cookie, x"', "no-store"),
        ("no-cache=x", "no-cache"),
        ('x="no-store, max-age=5"', "public, max-age=100"),
        ('x="no-store', "no-store"),
        ("max-age=" + "9" * 900, "public, max-age=100"),
        ("x" * 1000 + ", no-store", "no-store"),
        (" " * 50_000, "no-store"),
        ("max-age=10, must-revalidate", "public, max-age=10, must-revalidate"),
        ("Proxy-Revalidate", "public, max-age=100, proxy-revalidate"),
    ],
)
def test_a_response_is_cached_no_longer_than_its_source_allows(given: str, expected: str) -> None:
    assert choose_cache_control({"cache-control": given}, 100) == expected


@pytest.mark.parametrize(
    ("headers", "age_s"),
    [
        ({"expires": "0"}, 0),
        ({"expires": DATE, "date": DATE}, 0),
        ({"expires": "Tue, 20 Oct 2026 10:00:20 GMT", "date": DATE}, 20),
        ({"expires": "Tue, 20 Oct 2026 10:00:20 GMT", "date": DATE, "age": "15"}, 5),
        ({"expires": "Tue, 20 Oct 2020 10:00:00 GMT"}, 0),
        ({"expires": DATE, "date": DATE, "cache-control": "max-age=7"}, 7),
        ({"cache-control": "max-age=60", "age": "15"}, 45),
        ({"cache-control": "max-age=60", "age": "x"}, 60),
        ({"cache-control": "max-age=60", "age": "70"}, 0),
        ({"age": "1000"}, 100),
    ],
)
def test_dates_and_ages_of_a_source_count(headers: dict[str, str], age_s: int) -> None:
    assert choose_cache_control(headers, 100) == f"public, max-age={age_s}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", True), ("no-cache", True), ("max-age=0", True), ("private", False), ("NO-STORE", False)],
)
def test_a_source_may_forbid_to_store(given: str, expected: bool) -> None:
    assert may_store({"cache-control": given}) is expected
