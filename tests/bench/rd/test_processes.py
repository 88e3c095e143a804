"""One job runs in this process. test_run.py compares it with two."""

import torch

from bench.rd.processes import open_pool


def test_one_job_runs_here_on_one_thread_of_torch() -> None:
    threads = torch.get_num_threads()
    with open_pool(1) as map_numbers:
        assert list(map_numbers(lambda _: torch.get_num_threads(), range(2))) == [1, 1]
    assert torch.get_num_threads() == threads
