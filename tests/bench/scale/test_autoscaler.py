"""KEDA and the autoscaler: their settings are those of docker/kubernetes, and what they do with them."""

from pathlib import Path
from typing import Any

import pytest
import simpy
import yaml

from bench.scale.autoscaler import Autoscaler, Scaling
from bench.scale.simulation import Costs, Photo, Service, send

KUBERNETES = Path(__file__).parents[3] / "docker" / "kubernetes"
FREE = Costs(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_the_settings_are_those_of_the_files() -> None:
    documents = yaml.safe_load_all((KUBERNETES / "base/scaling.yaml").read_text())
    spec: dict[str, Any] = next(iter(documents))["spec"]
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    percent, pods = behavior["scaleUp"]["policies"]
    (down,) = behavior["scaleDown"]["policies"]
    triggers = {trigger["name"]: trigger["metadata"] for trigger in spec["triggers"]}
    (cpu,) = yaml.safe_load((KUBERNETES / "overlays/cpu/scaling.yaml").read_text())
    assert percent["periodSeconds"] == pods["periodSeconds"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert spec["minReplicaCount"] == 0
    assert Scaling() == Scaling(
        polling_s=spec["pollingInterval"],
        cooldown_s=spec["cooldownPeriod"],
        max_workers=spec["maxReplicaCount"],
        up_percent=percent["value"],
        up_workers=pods["value"],
        up_period_s=pods["periodSeconds"],
        down_percent=down["value"],
        down_period_s=down["periodSeconds"],
        stabilization_s=behavior["scaleDown"]["stabilizationWindowSeconds"],
        wait_target_s=float(triggers["wait"]["targetValue"]),
        queue_target=int(triggers["queue"]["listLength"]),
        cpu_target=int(cpu["value"]["metadata"]["value"]) / 100,
    )


def run(
    photos: list[Photo], end_s: float, start_s: float = 2.0, **settings: Any
) -> list[tuple[float, int]]:
    """Return the times and numbers of workers after each change, in a scenario of these photos."""
    env = simpy.Environment()
    service = Service(env, FREE, front_ends=1, mean_service_s=1.0)
    scaler = Autoscaler(service, Scaling(**settings), start_s)
    seen = [(0.0, 0)]

    def watch() -> Any:
        while True:
            yield env.timeout(1.0)
            if scaler.count != seen[-1][1]:
                seen.append((env.now, scaler.count))

    env.process(scaler.run(end_s))
    env.process(send(service, photos))
    env.process(watch())
    env.run(until=end_s)
    return seen


def test_the_first_photo_starts_the_first_worker_and_the_cooldown_ends_it() -> None:
    changes = run([Photo(7.0, 1.0)], 400.0)
    (started_s, one), (ended_s, none) = changes[1:]
    assert (one, none) == (1, 0)
    assert started_s == pytest.approx(10.0, abs=1.0), "at the next poll"
    # The photo is there until 13 s, at most one poll earlier it was seen.
    assert ended_s == pytest.approx(10.0 + 300.0 + 5.0, abs=5.0)


def test_a_long_wait_raises_the_number_within_the_policies() -> None:
    photos = [Photo(1.0, 1.0) for _ in range(400)]
    numbers = [count for _, count in run(photos, 60.0)]
    # Four more than one, then twice as many, then the largest number.
    assert numbers == [0, 1, 5, 10, 16]


def test_a_short_wait_lowers_the_number_after_the_stabilization_by_a_quarter() -> None:
    photos = [Photo(1.0, 1.0) for _ in range(100)]
    changes = run(photos, 900.0)
    rise = [count for _, count in changes[:4]]
    fall = changes[4:]
    assert rise == sorted(rise)
    most = max(count for _, count in changes)
    first_s, first = fall[0]
    assert first == int(0.75 * most)
    assert first_s > 180.0
    assert changes[-1][1] == 0


def test_a_metric_near_its_target_changes_nothing() -> None:
    service = Service(simpy.Environment(), FREE, front_ends=1, mean_service_s=1.0)
    scaler = Autoscaler(service, Scaling(), 0.0)
    scaler.count = 4
    assert scaler._follow(4, 1.09) == 4
    assert scaler._follow(4, 1.2) == 5
