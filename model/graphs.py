"""CUDA graphs of the network's pass: one launch in place of some hundred.

A small batch takes a GPU less time than Python takes to launch its kernels one by one. A graph is
captured once for each input shape and replays all of them (torch.cuda.CUDAGraph).
"""

from collections.abc import Callable
from typing import Final, Protocol

import torch
from torch import Tensor

MOST_GRAPHS: Final = 32
"""Each holds the memory of its activations; shapes that come later are computed without."""
_WARM_UP_PASSES: Final = 3


class Graph(Protocol):
    """A captured pass, with the input that it reads and the output that it leaves."""

    inputs: Tensor
    outputs: Tensor

    def replay(self) -> None:
        """Compute `outputs` from `inputs` anew, behind what the current stream has to do."""


class CapturedGraph:
    """See `Graph`; of inputs of one shape on a CUDA device."""

    def __init__(self, work: Callable[[Tensor], Tensor], inputs: Tensor) -> None:
        self.inputs = torch.zeros_like(inputs)
        # Libraries choose algorithms and take memory at first, which a capture can't hold.
        stream = torch.cuda.Stream(inputs.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(inputs.device))
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_PASSES):
                work(self.inputs)
        torch.cuda.current_stream(inputs.device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may have the codec's blocks on the device meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self.outputs = work(self.inputs)

    def replay(self) -> None:
        """Compute `outputs` from `inputs` anew."""
        self._graph.replay()


class GraphedPass:
    """`work` on a batch (N, …), by graphs of 1, 2, 4, 8, … inputs."""

    def __init__(
        self,
        work: Callable[[Tensor], Tensor],
        capture: Callable[[Callable[[Tensor], Tensor], Tensor], Graph] = CapturedGraph,
    ) -> None:
        self._work = work
        self._capture = capture
        self._graphs: dict[tuple[int, ...], Graph] = {}

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return what `work` does; what a smaller batch leaves of the graph's is computed in vain."""
        count = len(inputs)
        shape = (1 << (count - 1).bit_length(), *inputs.shape[1:])
        graph = self._graphs.get(shape)
        if graph is None:
            if len(self._graphs) >= MOST_GRAPHS:
                return self._work(inputs)
            graph = self._graphs[shape] = self._capture(self._work, inputs.new_empty(shape))
        graph.inputs[:count].copy_(inputs, non_blocking=True)
        graph.replay()
        # The next replay overwrites them.
        return graph.outputs[:count].clone()
