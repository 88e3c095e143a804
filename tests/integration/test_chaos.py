"""Kills and cuts at random under load: every request gets a response, and Redis keeps nothing."""

import pytest

from bench.robustness.chaos import ACTS, run_chaos


@pytest.mark.timeout(400)
def test_every_request_gets_a_response_while_processes_are_killed_and_connections_cut() -> None:
    # A stopped process is found after 15 s: too long for a test, so only SIGKILL here.
    kills = tuple(act for act in ACTS if act[1].name == "SIGKILL")
    report = run_chaos(
        6.0,
        clients=6,
        workers=1,
        pause_s=1.3,
        cut_share=0.02,
        seed=7,
        stretches=2,
        uploads_each=6,
        acts=kills,
    )
    assert report["faults"] == {}, report
    assert len(report["acts"]) == len(kills), report
    assert sum(report["cuts"].values()) > 3, report
    assert report["ends"].get("200", 0) > 0, report
    # Without kills the same uploads are damaged in every round, and all of those are refused.
    calm = report["calm"]
    assert calm["ends"].keys() <= {"200", "415", "422"}, report
    assert calm["damaged"].get("422", 0) > 0, report
    assert sum(calm["damaged"].values()) == sum(calm["ends"].values()) - calm["ends"]["200"]
