"""The service benchmark's arithmetic, its parsers and its HTTP client; no service is started."""

import argparse
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from bench import environment as machine
from bench.__main__ import main
from bench.datasets.uploads import generate_photo, load_photos, to_jpeg
from bench.load.closed_loop import Connection, HttpError, Load, Sample, parse_head, send
from bench.load.service_process import role_of
from bench.load.statistics import (
    mean_batch,
    parse_metrics,
    parse_server_timing,
    percentile,
    rounded,
    summarize,
)
from bench.service import run as service

HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"x-original-bytes: 736501\r\n"
    b"server-timing: queue;dur=11.5, decode;dur=24.7, predict;dur=63.0, encode;dur=66.6\r\n"
    b"Content-Type:image/jpeg\r\n"
    b"content-length: 4"
)
METRICS = """\
# HELP foveate_requests_total Requests to /compress
# TYPE foveate_requests_total counter
foveate_requests_total{status="200"} 57.0
foveate_queue_length NaN
foveate_batch_size_bucket{le="16.0"} 9.0
foveate_batch_size_bucket{le="+Inf"} 9.0
foveate_batch_size_count 9.0
foveate_batch_size_sum 92.0
foveate_batch_size_created 1.7953539083630452e+09
"""
JPEG = b"\xff\xd8\xff\xd9"


def sample(elapsed_ms: float = 100.0, status: int = 200, server_timing: str = "") -> Sample:
    return Sample(status, 0.0, elapsed_ms, 1000, 400, server_timing)


def test_percentiles_are_interpolated_between_the_ordered_values() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.0) == 1.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 1.0) == 4.0
    assert percentile(list(range(101)), 0.99) == 99
    assert percentile([7.0], 0.99) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_server_timing_is_read_as_the_service_writes_it() -> None:
    _, headers = parse_head(HEAD)
    assert parse_server_timing(headers["server-timing"]) == {
        "queue": 11.5, "decode": 24.7, "predict": 63.0, "encode": 66.6,
    }  # fmt: skip


def test_server_timing_may_hold_descriptions_and_entries_without_duration() -> None:
    header = 'miss, db;desc="The database";dur="53.5" , app; DUR=47, broken;dur=x'
    assert parse_server_timing(header) == {"db": 53.5, "app": 47.0}
    assert parse_server_timing("") == {}


def test_metrics_are_read_with_their_labels() -> None:
    found = parse_metrics(METRICS)
    assert found['foveate_requests_total{status="200"}'] == 57
    assert found["foveate_queue_length"] != found["foveate_queue_length"]  # NaN
    assert found["foveate_batch_size_count"] == 9


def test_the_mean_batch_counts_only_what_lies_between_two_readings() -> None:
    before = {"foveate_batch_size_sum": 12.0, "foveate_batch_size_count": 4.0}
    assert mean_batch(before, parse_metrics(METRICS)) == 16.0
    assert mean_batch({}, parse_metrics(METRICS)) == pytest.approx(92 / 9)
    assert mean_batch(before, before) is None


def test_a_summary_counts_good_answers_and_names_the_errors() -> None:
    samples = [
        sample(100.0, server_timing="queue;dur=10, decode;dur=20"),
        sample(200.0, server_timing="queue;dur=30, decode;dur=40"),
        sample(5.0, status=429),
        sample(5.0, status=429),
        sample(1.0, status=0),
    ]
    figures = summarize(samples, 4.0)
    assert figures["images_per_s"] == 0.5
    assert figures["p50_ms"] == 150.0
    assert figures["errors"] == {"429": 2, "no answer": 1}
    assert figures["stage_ms"] == {
        "queue": {"p50": 20.0, "mean": 20.0},
        "decode": {"p50": 30.0, "mean": 30.0},
        "other": {"p50": 100.0, "mean": 100.0},
    }


def test_a_summary_of_errors_alone_has_no_latencies() -> None:
    figures = summarize([sample(status=503)], 1.0)
    assert figures["images_per_s"] == 0
    assert "p50_ms" not in figures


def test_figures_are_rounded_to_what_they_mean() -> None:
    report = {"a": 1234.5678, "b": [0.0123456], "c": 123456.7, "d": 7, "e": None}
    assert rounded(report) == {"a": 1235.0, "b": [0.01235], "c": 123457, "d": 7, "e": None}


def test_processes_are_told_apart_by_their_command() -> None:
    assert role_of(["python", "-m", "app", "serve", "--fd", "3"]) == "app"
    assert role_of(["python", "-m", "worker", "--name", "worker-1"]) == "worker"
    assert role_of(["valkey-server unixsocket:redis.sock"]) == "redis"
    assert role_of([]) == "redis"


def test_a_head_that_is_no_http_is_an_error() -> None:
    with pytest.raises(HttpError, match="not an HTTP answer"):
        parse_head(b"220 smtp ready")


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """Serve one connection that gets ``answers``, each byte range as it is, then is closed."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for answer in answers:
                received = b""
                while not received.endswith(b"photo"):
                    received += connection.recv(65536)
                half = len(answer) // 2
                connection.sendall(answer[:half])
                connection.sendall(answer[half:])

    thread = threading.Thread(target=serve)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def test_the_client_reads_answers_one_after_the_other_from_one_connection() -> None:
    full = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
    with answering(HEAD + b"\r\n\r\n" + JPEG, full) as url:
        connection = Connection(url)
        first = send(connection, "/compress", b"photo")
        second = send(connection, "/compress", b"photo")
        connection.close()
    assert (first.status, first.received_bytes, first.sent_bytes) == (200, 4, 5)
    assert first.server_timing.startswith("queue;dur=11.5")
    assert second.status == 429


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"\r\n\r\n" + b"JPEG",
        HEAD + b"\r\n\r\n" + JPEG[:2],
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"",
    ],
    ids=["no JPEG", "cut short", "no length", "closed"],
)
def test_what_is_no_whole_jpeg_counts_as_no_answer(answer: bytes) -> None:
    with answering(answer) as url:
        connection = Connection(url)
        assert send(connection, "/compress", b"photo").status == 0
        connection.close()


def test_a_limited_load_sends_exactly_that_many() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    load = Load(url, "/compress", [b"photo"], clients=3, limit=7)
    load.start()
    load.join()
    assert [s.status for s in load.samples] == [0] * 7


def test_photos_of_a_folder_go_out_as_jpegs_or_as_they_lie(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 30), "red").save(tmp_path / "b.png")
    (tmp_path / "notes.txt").write_text("no photo")
    photos, described = load_photos(tmp_path, "jpeg")
    assert [photo[:2] for photo in photos] == [b"\xff\xd8"]
    assert described.startswith(f"1 photos of {tmp_path.name}/")
    assert load_photos(tmp_path, "stored")[0] == [(tmp_path / "b.png").read_bytes()]


def test_without_a_folder_generated_photos_take_their_place(tmp_path: Path) -> None:
    photos, described = load_photos(tmp_path / "missing", "jpeg")
    assert len(set(photos)) == len(photos) == 8
    assert "generated" in described


def test_generated_photos_cost_about_what_photos_cost() -> None:
    picture = generate_photo(300, 201, seed=1)
    assert picture.size == (300, 201)
    assert to_jpeg(picture) == to_jpeg(generate_photo(300, 201, seed=1))
    bits_per_pixel = 8 * len(to_jpeg(generate_photo(768, 512, seed=1))) / (768 * 512)
    assert 1.0 < bits_per_pixel < 5.0


def test_a_result_file_says_on_what_it_was_measured() -> None:
    meta = machine.describe_machine()
    assert meta["cores"] >= 1
    assert meta["packages"]["numpy"]
    assert "no-such-package" not in machine.find_versions(["no-such-package"])
    assert str(machine.ROOT) not in str(meta)


def test_a_command_line_shows_no_folder_of_the_machine() -> None:
    inside = str(machine.ROOT / "bench" / "results" / "service.json")
    argv = ["…/bench/__main__.py", "service", f"--out={inside}", "--images", "/home/me/photos"]
    assert machine.command_line(argv) == (
        "python -m bench service --out=bench/results/service.json --images photos"
    )


def test_the_options_have_the_documented_defaults() -> None:
    parser = argparse.ArgumentParser()
    service.add_arguments(parser)
    args = parser.parse_args([])
    assert args.clients == [1, 16]
    assert args.options == "quality=50&target=size&progressive=false"
    assert args.url is None
    # None stands for shares of the closed loop's throughput, and for all that are installed.
    assert args.rate is None
    assert args.rivals is None
    assert parser.parse_args(["--rate", "--rivals"]).rate == []


def test_an_unknown_benchmark_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["speed"])
    assert "service" in capsys.readouterr().err
