from bench.service.servers.alone import per_image


def test_time_is_counted_for_each_image() -> None:
    timed = per_image(lambda: 5, 0.05)
    assert 0 < timed["elapsed_ms"] < 1
