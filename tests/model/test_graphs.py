"""Graphs replay the pass they hold: few shapes, whatever the batches; on CUDA as computed eagerly."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from model import Predictor, graphs
from model.graphs import GraphedPass


class Replayed:
    """A graph without a device: it computes when it is replayed, into the same output."""

    captured: list[tuple[int, ...]]

    def __init__(self, work: Callable[[Tensor], Tensor], inputs: Tensor) -> None:
        self.captured.append(tuple(inputs.shape))
        self.inputs = torch.zeros_like(inputs)
        self.outputs = work(self.inputs)
        self._work = work

    def replay(self) -> None:
        self.outputs.copy_(self._work(self.inputs))


@pytest.fixture(autouse=True)
def _no_graphs() -> None:
    Replayed.captured = []


def square(inputs: Tensor) -> Tensor:
    return inputs.to(torch.float32).pow(2).sum(dim=1)


def test_batches_share_the_graph_of_the_next_power_of_two() -> None:
    graphed = GraphedPass(square, Replayed)
    kept = []
    for size in (1, 3, 4, 5, 3, 8):
        inputs = torch.arange(2 * size, dtype=torch.uint8).reshape(size, 2)
        found = graphed(inputs)
        assert torch.equal(found, square(inputs))
        kept.append((found, found.clone()))
    assert Replayed.captured == [(1, 2), (4, 2), (8, 2)]
    # A later replay leaves what was returned before.
    assert all(torch.equal(found, before) for found, before in kept)


def test_of_many_shapes_only_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "MOST_GRAPHS", 2)
    graphed = GraphedPass(square, Replayed)
    for width in (3, 4, 5):
        inputs = torch.ones((2, width), dtype=torch.uint8)
        assert torch.equal(graphed(inputs), square(inputs))
    assert Replayed.captured == [(2, 3), (2, 4)]


def test_on_a_cpu_there_are_none() -> None:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    plain, graphed = Predictor("cpu"), Predictor("cpu", graphs=True)
    assert np.array_equal(
        plain.predict([plain.prepare(photo)])[0], graphed.predict([graphed.prepare(photo)])[0]
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda_maps_are_those_without_graphs() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5, 64, 96, 3), np.uint8)
    plain, graphed = Predictor("cuda"), Predictor("cuda", graphs=True)
    photos = [plain.prepare(Image.fromarray(picture)) for picture in noise]
    for size in (1, 5, 2, 5):
        for own, expected in zip(
            graphed.predict(photos[:size]), plain.predict(photos[:size]), strict=True
        ):
            assert np.abs(own - expected).max() < 0.02
