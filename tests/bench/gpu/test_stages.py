from bench.gpu.stages import measure_images_per_s, measure_threads


def test_all_images_count_but_those_of_the_warm_up() -> None:
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        return 5

    assert measure_images_per_s(work, 0.0) > 0
    assert len(calls) == 2


def test_threads_share_all_photos() -> None:
    seen: list[int] = []
    figures = measure_threads(seen.append, photos=3, threads=2, seconds=0.01)
    assert figures["images_per_s"] > 0
    assert figures["cpu_ms_per_image"] >= 0
    # The warm-up and one round at least: four photos for each thread.
    assert sorted(seen[:8]) == [0, 0, 0, 1, 1, 1, 2, 2]
    assert len(seen) % 8 == 0
