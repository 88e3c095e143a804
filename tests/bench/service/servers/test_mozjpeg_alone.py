import pytest

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.encoders import find_missing
from bench.service.servers import mozjpeg_alone
from bench.service.servers.mozjpeg_alone import load_mozjpeg

# The markers of a baseline and a progressive frame (T.81, table B.1).
BASELINE, PROGRESSIVE = b"\xff\xc0", b"\xff\xc2"


def test_an_upload_is_recompressed_with_the_query_s_quality_and_scans() -> None:
    if missing := find_missing(["mozjpeg"]):
        pytest.skip(missing["mozjpeg"])
    upload = to_jpeg(generate_photo(192, 128, 0))
    defaults, coarse = (load_mozjpeg(query) for query in ("", "quality=30&progressive=false"))
    assert defaults is not None
    assert coarse is not None
    large, small = defaults(upload), coarse(upload)
    assert PROGRESSIVE in large
    assert BASELINE in small
    assert PROGRESSIVE not in small
    assert len(small) < len(large) / 1.5 < len(upload)


def test_without_libvips_there_is_no_mozjpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mozjpeg_alone, "find_missing", lambda names: dict.fromkeys(names, "none"))
    assert load_mozjpeg("") is None
