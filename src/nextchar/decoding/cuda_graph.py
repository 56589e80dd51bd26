"""Functions of tensors as CUDA graphs: all their kernels are started at once."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


class Captured:
    """A function that was captured once, and is replayed for inputs of the same shapes.

    What it returns is overwritten by the next call. It must not wait for the device, nor depend on
    any number but its inputs and what lies on the device.
    """

    def __init__(
        self,
        function: Callable[..., Sequence[Tensor]],
        *inputs: Tensor,
        changed: Sequence[Tensor] = (),
    ) -> None:
        """Call `function` once, as cuBLAS and its like have to be set up, and capture it.

        `changed` are the tensors that it changes in place: they are as before afterwards.
        """
        # The graph knows only addresses: what the function holds must live as long as the graph.
        self._function = function
        self._inputs = [each.clone() for each in inputs]
        before = [each.clone() for each in changed]
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            function(*self._inputs)
        torch.cuda.current_stream().wait_stream(aside)
        for each, old in zip(changed, before, strict=True):
            each.copy_(old)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._outputs = function(*self._inputs)

    def __call__(self, *inputs: Tensor) -> Sequence[Tensor]:
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        self._graph.replay()
        return self._outputs
