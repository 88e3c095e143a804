"""On a CPU photos share the worker's threads, and capacity follows from them."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from redis import Redis

from contract.keys import reply_key
from contract.messages import decode_reply
from tests.photos import file_of, photo
from tests.worker.centre_predictor import CentrePredictor
from tests.worker.pipelines import make_item, make_pipeline, run
from worker.item import Item


def test_each_photo_goes_through_the_network_alone(connection: Redis) -> None:
    predictor = CentrePredictor(side_by_side=True)
    items = [make_item(connection, str(number), file_of(photo(64, 48))) for number in range(3)]
    run(make_pipeline(connection, predictor), items)
    assert predictor.batch_sizes == [1, 1, 1]
    replies = [decode_reply(raw) for raw in connection.lrange(reply_key("me"), 0, -1)]
    assert [reply.batch_size for reply in replies] == [1, 1, 1]


@pytest.mark.parametrize(("side_by_side", "capacities"), [(False, [20, 19, 18]), (True, [8, 7, 0])])
def test_capacity_ends_when_each_thread_has_two_photos(
    connection: Redis, side_by_side: bool, capacities: list[int]
) -> None:
    predictor = CentrePredictor(side_by_side=side_by_side)
    filling = make_pipeline(connection, predictor, threads=1, max_batch_size=20)
    found = []
    for name in "abc":
        found.append(filling.capacity())
        filling.submit([make_item(connection, name, None)])
    assert found == capacities
    filling.close()


def test_photos_that_wait_for_a_thread_count_against_capacity(connection: Redis) -> None:
    predictor = CentrePredictor(side_by_side=True)
    predicting, go_on = threading.Event(), threading.Event()
    predict = predictor.predict

    def predict_slowly(batch: Sequence[np.ndarray]) -> list[np.ndarray]:
        predicting.set()
        assert go_on.wait(20)
        return predict(batch)

    predictor.predict = predict_slowly  # type: ignore[method-assign]
    busy = make_pipeline(connection, predictor, threads=1)
    busy.submit([make_item(connection, str(number), file_of(photo(64, 48))) for number in range(3)])
    capacities = []
    while not predicting.is_set():
        busy.advance(0.01)
    # Two photos wait for the thread.
    capacities.append(busy.capacity())
    go_on.set()
    ended: list[Item] = []
    while len(ended) < 3:
        ended += busy.advance(1.0)
        capacities.append(busy.capacity())
    assert capacities[0] == 0
    assert capacities[-1] == 8
    busy.close()
