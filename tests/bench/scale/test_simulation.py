"""The simulated service: known waits, the worker's rules, refusals, and workers that end."""

import random
import statistics
from dataclasses import replace

import pytest
import simpy

from app.service import capacity
from bench.scale import simulation
from bench.scale.simulation import Costs, Photo, Server, Service, Worker, send, simulate
from worker import pipeline
from worker.queue import claim_timer

FREE = Costs(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_constants_are_those_of_worker_and_front_end() -> None:
    assert simulation.MIN_PAUSE_S == claim_timer.MIN_PAUSE_S
    assert simulation.EMPTY_PAUSE_S == claim_timer.EMPTY_PAUSE_S
    assert simulation.MAX_BATCH == pipeline.MAX_BATCH_PER_THREAD
    assert simulation.WAIT_SHARE == capacity.WAIT_SHARE


def draw(count: int, per_s: float, service_s: float) -> list[Photo]:
    generator = random.Random(1)
    at_s, photos = 0.0, []
    for _ in range(count):
        at_s += generator.expovariate(per_s)
        photos.append(Photo(at_s, service_s))
    return photos


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_one_worker_waits_as_queueing_theory_says(load: float) -> None:
    """The mean wait of constant services after Pollaczek and Khinchine: ρ / 2(1 − ρ) services."""
    ended, _ = simulate(draw(40_000, 10 * load, 0.1), 1, FREE, front_ends=1)
    mean_s = statistics.fmean(photo.wait_s for photo in ended)
    assert mean_s == pytest.approx(0.1 * load / 2 / (1 - load), rel=0.05)


def test_a_photo_alone_takes_what_is_around_its_stages() -> None:
    costs = Costs(
        front_end_s=0.002, valkey_s=0.001, poll_s=0.0, around_s=0.010, handoff_s=0.004, gap_s=9.0
    )
    (ended,), _ = simulate([Photo(1.0, 0.1)], 1, costs, front_ends=1)
    assert ended.wait_s == pytest.approx(0.014)


def test_a_gap_lies_between_two_photos_of_one_worker() -> None:
    costs = Costs(0.0, 0.0, 0.0, 0.0, 0.0, gap_s=0.5)
    ended, _ = simulate([Photo(0.0, 1.0), Photo(0.0, 1.0)], 1, costs, front_ends=1)
    assert [photo.wait_s for photo in ended] == pytest.approx([0.0, 1.5])


@pytest.mark.parametrize(("capacity", "expected"), [(7, 5), (3, 3)])
def test_a_worker_takes_its_share_of_the_queue(capacity: int, expected: int) -> None:
    service = Service(simpy.Environment(), FREE, front_ends=1)
    service.workers = [Worker(0.0), Worker(0.0)]
    service.queue.extend(Photo(0.0, 1.0) for _ in range(9))
    assert len(service._claim(capacity)) == expected


def test_a_worker_with_two_photos_takes_no_more() -> None:
    env = simpy.Environment()
    service = Service(env, FREE, front_ends=1)
    env.process(service.run_worker(0.0))
    env.process(send(service, [Photo(at_s, 10.0) for at_s in (0.0, 1.0, 2.0)]))
    env.run(until=5.0)
    assert len(service.queue) == 1


def test_the_longest_waiting_worker_gets_the_photo() -> None:
    env = simpy.Environment()
    service = Service(env, FREE, front_ends=1)
    for _ in range(2):
        env.process(service.run_worker(0.0))
    env.process(send(service, [Photo(1.0, 1.0), Photo(1.5, 1.0)]))
    env.run()
    assert service.busy_s == 2.0
    assert env.now == pytest.approx(2.5)


def test_a_server_does_one_thing_after_the_other() -> None:
    env = simpy.Environment()
    server = Server(env)
    assert [server.use(0.3), server.use(0.3)] == pytest.approx([0.3, 0.6])


def test_front_ends_share_the_photos_and_valkey_gets_all() -> None:
    costs = Costs(0.2, 0.1, 0.0, 0.3, 0.0, 0.0)
    ended, _ = simulate([Photo(0.0, 0.0), Photo(0.0, 0.0)], 2, costs, front_ends=2)
    assert [photo.wait_s for photo in ended] == pytest.approx([0.35, 0.4])


def test_photos_that_would_wait_too_long_are_refused_and_late_ones_dropped() -> None:
    env = simpy.Environment()
    service = Service(env, FREE, front_ends=1, deadline_s=10.0, mean_service_s=1.0)
    env.process(service.run_worker(0.0))
    photos = [Photo(0.0, 11.0), *(Photo(0.1, 1.0) for _ in range(9))]
    env.process(send(service, photos))
    env.run(until=0.2)
    # The other five find five photos of a second ahead, more than 40 % of the deadline.
    assert service.in_flight == 5
    env.run()
    # Those behind the first are late.
    assert [photo.ended_s for photo in photos[1:]] == [None] * 9
    assert service.in_flight == 0
    assert service.busy_s == 11.0


def test_a_stopped_worker_ends_after_its_photos_and_costs_until_then() -> None:
    env = simpy.Environment()
    service = Service(env, FREE, front_ends=1)
    env.process(service.run_worker(0.0))
    photo = Photo(1.0, 5.0)
    env.process(send(service, [photo]))
    env.run(until=2.0)
    service.stop_worker()
    assert service.workers == []
    env.run()
    assert photo.ended_s == 6.0
    assert service.count_bought_s() == 6.0


def test_an_idle_worker_ends_at_once_and_a_starting_one_before_it_is_ready() -> None:
    env = simpy.Environment()
    service = Service(env, FREE, front_ends=1)
    env.process(service.run_worker(0.0))
    env.process(service.run_worker(100.0))
    env.run(until=1.0)
    service.stop_worker()
    assert len(service.workers) == 1, "the starting one goes first"
    service.stop_worker()
    env.run(until=200.0)
    assert service.workers == service.starting == []
    assert service.count_bought_s() == pytest.approx(101.0)


def test_looks_wait_for_a_busy_valkey_and_so_do_not_pile_up() -> None:
    """100 workers look while they have one photo each; a look takes Valkey as long as a pause."""
    env = simpy.Environment()
    service = Service(env, replace(FREE, poll_s=0.02), front_ends=1)
    for _ in range(100):
        env.process(service.run_worker(0.0))
    env.process(send(service, [Photo(0.0, 60.0) for _ in range(100)]))
    env.run(until=50.0)
    assert service.valkey.use(0.0) == pytest.approx(100 * 0.02, rel=0.1)
