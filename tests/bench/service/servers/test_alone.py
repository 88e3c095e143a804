from bench.service.servers.alone import time_per_image


def test_time_is_divided_by_the_number_of_images() -> None:
    timed = time_per_image(lambda: 5, 0.05)
    assert 0 < timed["elapsed_ms"] < 1
