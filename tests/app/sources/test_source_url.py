"""A URL is parsed in the one way that every parser agrees on, or refused."""

import json
import random
import shutil
import subprocess
from urllib.parse import unquote

import pytest

from app.sources.source_url import DEFAULT_PORTS, MAX_URL_CHARS, parse_source_url
from contract.errors import ForbiddenSourceError, MalformedRequestError
from tests.conftest import needs

BASE = "https://example.org/a/b"


@pytest.mark.parametrize(
    ("text", "host", "port", "target"),
    [
        ("http://example.org", "example.org", 80, "/"),
        ("HTTPS://Example.ORG/A%20b.jpg?x=1&y=2", "example.org", 443, "/A%20b.jpg?x=1&y=2"),
        ("https://example.org.:8443/", "example.org", 8443, "/"),
        ("http://xn--bcher-kva.example/", "xn--bcher-kva.example", 80, "/"),
        ("http://8.8.8.8/a", "8.8.8.8", 80, "/a"),
        ("http://[2001:4860:0::8888]/a", "2001:4860::8888", 80, "/a"),
        ("http://example.org?x", "example.org", 80, "/?x"),
        ("http://example.org/a@b:c", "example.org", 80, "/a@b:c"),
        ("http://example.org/a b/ü?ü b", "example.org", 80, "/a%20b/%C3%BC?%C3%BC%20b"),
        ('http://[2001:db8::1]/[{|"}]', "2001:db8::1", 80, "/%5B%7B%7C%22%7D%5D"),
        ("http://example.org/%zz%", "example.org", 80, "/%25zz%25"),
    ],
)
def test_a_valid_url_is_parsed(text: str, host: str, port: int, target: str) -> None:
    url = parse_source_url(text)
    assert (url.host, url.port, url.target) == (host, port, target)


@pytest.mark.parametrize(
    "text",
    [
        *("file:///etc/passwd", "ftp://example.org/", "gopher://example.org/_x", "unix://a/b"),
        *("http://user@example.org/", "http://user:pass@example.org/", "http://a%40b@10.0.0.1/"),
        *("http://example.org@127.0.0.1/", "http://@example.org/"),
        *("http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/"),
        *("http://017700000001/", "http://127.1/", "http://127.0.1/", "http://0/", "http://1/"),
        *("http://127.0.0.1./", "http://127.0.0.0x1/", "http://256.1.1.1/", "http://1.2.3.4.5/"),
        *("http://0X7F.0.0.1/", "http://a.0x/", "http://08.8.8.8/", "http://example.1/"),
    ],
)
def test_an_ambiguous_or_unsupported_url_is_forbidden(text: str) -> None:
    with pytest.raises(ForbiddenSourceError):
        parse_source_url(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "/a", "//example.org/a", "http:/example.org", "http:example.org", "http://"),
        *("http:///a", "http://example.org:99999/", "http://example.org:0/", "http://a:b:c/"),
        *("http://exa mple.org/", "http://example.org/a\tb", "http://example.org/\r\nHost: x"),
        *("http://example.org\\@127.0.0.1/", "http://example.org/a\\b", "http://example.org/#a"),
        *("http://bücher.example/", "http://①②⑦.⓪.⓪.①/", "http://。/", "http://a /", "http://a%/"),
        *("http://[::1", "http://[::1]x/", "http://[fe80::1%25eth0]/", "http://[127.0.0.1]/"),
        *("http://a..b/", "http://.a/", "http://-/\x00", "http://exam%70le.org/"),
        "http://[::ffff:1:2:3:4:5:6:7:8]/",
        "http://" + "a" * 64 + ".org/",
        "http://" + "a." * 130 + "org/",
        "http://example.org/" + "a" * MAX_URL_CHARS,
    ],
)
def test_a_malformed_url_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequestError):
        parse_source_url(text)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b.jpg", "https://example.org/b.jpg"),
        ("c.jpg?d", "https://example.org/a/c.jpg?d"),
        ("../e.jpg#f", "https://example.org/e.jpg"),
        ("./..", "https://example.org/"),
        ("../../.", "https://example.org/"),
        ("?x", "https://example.org/a/b?x"),
        ("", "https://example.org/a/b"),
        (
            "proxy/https://a//b;c;?d//e/../f",
            "https://example.org/a/proxy/https://a//b;c;?d//e/../f",
        ),
        ("//cdn.example.org/g", "https://cdn.example.org/g"),
        ("https://other.example:8443/h", "https://other.example:8443/h"),
        ("/a b?[c]", "https://example.org/a%20b?%5Bc%5D"),
        ("my photo: ü.jpg", "https://example.org/a/my%20photo:%20%C3%BC.jpg"),
        ("/\udcfc", "https://example.org/%FC"),
    ],
)
def test_a_redirect_is_resolved_against_the_url(location: str, expected: str) -> None:
    assert str(parse_source_url(BASE).join(location)) == expected


@pytest.mark.parametrize(
    "location",
    [
        *("http://example.org/", "ftp://example.org/", "file:///etc/passwd", "https://a@b/"),
        *(
            "https://0x7f.1/",
            "javascript:alert(1)",
            "data:image/png,x",
            "https://[::1",
            "//",
            "///a/",
            "https:a",
            "\\\\a\\b",
        ),
        *("https://a b@c/", "https://ü.example/", "//a\\@b/", "/a\\b", "https://a\x01/"),
    ],
)
def test_a_redirect_to_a_forbidden_url_is_refused(location: str) -> None:
    with pytest.raises(ForbiddenSourceError):
        parse_source_url(BASE).join(location)


# Reads a list of redirects; writes what a browser would request for each (WHATWG URL).
BROWSER = """
const [base, locations] = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(locations.map((location) => {
  if (!URL.canParse(location, base)) return null;
  const { protocol, hostname, port, username, pathname, search } = new URL(location, base);
  return [protocol, hostname, port, username, pathname + search];
})));
"""
PIECES = [
    *("https://", "http://", "//", "/", "?", "@", ":", ":80", ":443", "\\", "%", "%2F", "%40", " "),
    *("a.example", "[::1]", "10.0.0.1", "0x7f.1", "ü", "[", "]", "{", "}", "|", '"', "^", "<", "'"),
    *("photo", "a b", ".", "/./", "..", "/../", "1", "&", ";", "=", "\u2100", "\uff0f", "\u3002"),
]


@needs(shutil.which("node"), "needs Node 20 or later")
def test_a_redirect_that_is_followed_leads_where_a_browser_goes() -> None:
    chosen = random.Random(20)
    texts = ["".join(chosen.choices(PIECES, k=chosen.randint(1, 8))) for _ in range(20_000)]
    locations = [text.strip() for text in texts]  # as any parser of headers does
    ended = subprocess.run(
        ["node", "-e", BROWSER],
        input=json.dumps([BASE, locations]),
        capture_output=True,
        text=True,
        check=True,
    )
    followed = 0
    for location, seen in zip(locations, json.loads(ended.stdout), strict=True):
        try:
            url = parse_source_url(BASE).join(location)
        except ForbiddenSourceError:
            continue
        followed += 1
        assert seen is not None, location
        scheme, host, port, user, target = seen
        assert (scheme, host, user) == (f"{url.scheme}:", url.bracketed_host, ""), location
        assert int(port or DEFAULT_PORTS[url.scheme]) == url.port, location
        assert unquote(target.rstrip("?")) == unquote(url.target.rstrip("?")), location
    assert followed > 1000
