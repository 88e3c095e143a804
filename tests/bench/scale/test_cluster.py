"""Processes of a cluster: they start, more of them join, and all of them end."""

import psutil

from bench.scale.cluster import count_workers, find_port, started_cluster


def test_workers_join_and_everything_ends_with_the_context() -> None:
    before = set(psutil.Process().children(recursive=True))
    with started_cluster(2, 0.0) as cluster:
        assert len(set(cluster.urls)) == 2
        cluster.add_workers(1)
        cluster.add_workers(2)
        assert [count_workers(url) for url in cluster.urls] == [2, 2]
        both, one = cluster.cpu_s(2), cluster.cpu_s(1)
        assert set(both) == {"app", "redis", "worker"}
        assert 0 < one["app"] < both["app"]
        assert both["worker"] > 0
    assert set(psutil.Process().children(recursive=True)) <= before


def test_a_front_end_that_does_not_respond_sees_no_worker() -> None:
    assert count_workers(f"http://127.0.0.1:{find_port()}") == 0
