"""The worker without its work: real queue, records and replies; a photo takes its time and shrinks."""

import io

import pytest
from PIL import Image

from bench.load.closed_loop import Connection
from bench.load.statistics import parse_server_timing
from bench.scale.cluster import started_cluster
from bench.scale.stub_worker import KEPT_SHARE, SleepingPredictor, decode
from tests.photos import photo


def make_upload() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(photo(192, 128, 0)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def test_a_photo_takes_the_stated_time_and_comes_back_smaller() -> None:
    upload = make_upload()
    with started_cluster(1, 0.3) as cluster:
        cluster.add_workers(1)
        connection = Connection(cluster.urls[0])
        response = connection.request("POST", "/compress", upload)
        refused = connection.request("POST", "/compress", b"no photo")
        connection.close()
    assert response.status == 200
    assert len(response.body) == pytest.approx(KEPT_SHARE * len(upload), abs=3)
    assert response.body.startswith(b"\xff\xd8")
    assert response.body.endswith(b"\xff\xd9")
    stages = parse_server_timing(response.headers["server-timing"])
    assert 300 <= stages["predict"] < 600
    assert stages["decode"] + stages["encode"] < 100
    assert refused.status == 415


def test_nothing_is_decoded() -> None:
    found = decode(make_upload()[:1000])
    assert found.size_px == (192, 128)
    assert found.image.size == (1, 1)


def test_a_pass_takes_the_time_of_its_photos() -> None:
    predictor = SleepingPredictor(0.0)
    assert len(predictor.predict([predictor.prepare(Image.new("L", (9, 9)))] * 3)) == 3
