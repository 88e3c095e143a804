"""The rival LitServe, with stand-ins for its server and the compressor. CI does not install it."""

import sys
from typing import Any

import pytest

pytest.importorskip("litserve")
from bench.service.servers import litserve


def test_it_serves_with_as_many_processes_as_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {}

    class FakeServer:
        def __init__(self, api: Any, **options: Any) -> None:
            given.update(options, batch=api.max_batch_size, path=api.api_path)

        def run(self, **options: Any) -> None:
            given.update(options)

    monkeypatch.setattr(litserve.litserve, "LitServer", FakeServer)
    monkeypatch.setenv("FOVEATE_BENCH_WORKERS", "2")
    monkeypatch.setattr(sys, "argv", ["litserve", "--port", "8123"])
    litserve.main()
    assert (given["workers_per_device"], given["batch"], given["path"]) == (2, 8, "/compress")
    assert (given["host"], given["port"]) == ("127.0.0.1", 8123)


def test_a_batch_is_compressed_and_bytes_pass_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    class Upper:
        def compress(self, uploads: list[bytes]) -> list[bytes]:
            return [upload.upper() for upload in uploads]

    monkeypatch.setattr(litserve, "Compressor", Upper)
    api = litserve.Compress(max_batch_size=2, api_path="/compress")
    api.setup("cpu")
    responses = [
        api.encode_response(jpeg)
        for jpeg in api.predict([api.decode_request(body) for body in (b"one", b"two")])
    ]
    assert [response.body for response in responses] == [b"ONE", b"TWO"]
    assert responses[0].media_type == "image/jpeg"
