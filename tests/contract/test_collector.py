"""Settings of the collector are checked before OpenTelemetry reads them."""

import pytest

from contract.collector import check_collector_headers, check_collector_url


@pytest.mark.parametrize("url", ["http://collector:4318", "https://u:p%40@[::1]/x"])
def test_a_url_is_returned_as_it_is(url: str) -> None:
    assert check_collector_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "collector:4318",
        "ftp://collector",
        "http://:80",
        "http://h:0",
        "http://u:p/w@h",
        "http://[x",
    ],
)
def test_what_is_no_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        check_collector_url(url)
    assert url not in str(caught.value)


def test_headers_are_names_with_values() -> None:
    assert check_collector_headers("a=b, c=%20d") == "a=b, c=%20d"
    for wrong in ("secret", "a=b,secret", "a=%0a"):
        with pytest.raises(ValueError, match="NAME=VALUE"):
            check_collector_headers(wrong)
