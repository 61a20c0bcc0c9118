"""OpenVINO as an engine: networks in its intermediate representation, a graph and its weights.

The graph is traced by OpenVINO's own `convert_model`. In int8 both forms of upsampling are quantized, and the one that
is faster on this machine is kept (`forms` says why they differ).
"""

import io
import json
import logging
import sys
import threading
import time
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unetzoo._utils.extras import need
from unetzoo._utils.signal_stack import keep_signal_stack
from unetzoo.errors import OptionError
from unetzoo.inference.engines.calibration import Calibration, Run
from unetzoo.inference.engines.forms import in_form
from unetzoo.inference.engines.padding import Size, cropped, multiple_of, padded, traced_image
from unetzoo.nn.segmenter import Segmenter

_GRAPH, _WEIGHTS, _SIZES = "network.xml", "network.bin", "sizes.json"
_TELEMETRY = "openvino_telemetry"
_OFTEN = 16  # calls with images of one size, after which a graph of that size pays
_MOST_SIZES = 4  # with a graph of their own
_TIMED_CALLS = 5


def check(dtype: str) -> None:
    """Raise an error if a package is missing, or the CPU does not compute in that dtype."""
    need("openvino", "the engine openvino", "openvino")
    if dtype == "bfloat16" and not _has_bfloat16():
        raise OptionError("this CPU does not compute in bfloat16: choose float32")


def convert(model: Segmenter, sizes: Sequence[Size], dtype: str, calibration: Calibration | None) -> dict[str, bytes]:
    """The graph and its weights; int8 needs NNCF here, and not to start what it made."""
    if dtype != "int8" or calibration is None:
        return _stored(_traced(model, sizes, transposed=True), sizes)
    need("openvino", "the engine openvino, to convert to int8,", "nncf")
    images = [padded(image, multiple_of(model)).contiguous().numpy() for image in calibration.images]
    graphs = [_traced(model, sizes, transposed=transposed) for transposed in (True, False)]
    fast = _fastest([quantized(graph, images) for graph in graphs], images[0])
    if calibration.score is None or calibration.score(_Graphs(fast, model, dtype)) >= calibration.least:
        return _stored(fast, sizes)
    return _stored(_quantized_in_part(graphs[0], model, images, calibration.score, calibration.least), sizes)


def start(model: Segmenter, files: Mapping[str, bytes], dtype: str) -> Callable[[Tensor], Tensor]:
    """The compiled graph."""
    graph = core().read_model(files[_GRAPH], files[_WEIGHTS])
    return _Graphs(graph, model, dtype, json.loads(files[_SIZES]))


class _Graphs:
    """A graph that is compiled for images of any size, and once more for each size that is announced or comes often.

    Images are padded before, and logits cropped after, or the graph would do it for sizes that it does not know yet.
    """

    def __init__(
        self,
        graph: Any,  # noqa: ANN401 - OpenVINO's
        model: Segmenter,
        dtype: str,
        sizes: Sequence[Sequence[int]] = (),
    ) -> None:
        self._graph, self._dtype = graph, dtype
        self._multiple = multiple_of(model)
        self._announced = {
            tuple(side + -side % by for side, by in zip(size, self._multiple, strict=True)) for size in sizes
        }
        self._any = _Compiled(graph, dtype)
        self._calls: Counter[tuple[int, ...]] = Counter()
        self._own: OrderedDict[tuple[int, ...], _Compiled] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, image: Tensor) -> Tensor:
        """Logits (b, classes, h, w) of images (b, c, h, w)."""
        larger = padded(image, self._multiple).contiguous()
        logits = torch.from_numpy(self._compiled(tuple(larger.shape))(larger.numpy()))
        return cropped(logits, image)

    def _compiled(self, shape: tuple[int, ...]) -> "_Compiled":
        with self._lock:
            self._calls[shape] += 1
            enough = 1 if shape[2:] in self._announced else _OFTEN
            if shape not in self._own and self._calls[shape] >= enough:
                graph = self._graph.clone()
                graph.reshape({graph.inputs[0]: list(shape)})
                self._own[shape] = _Compiled(graph, self._dtype)
                while len(self._own) > _MOST_SIZES:
                    self._calls.pop(self._own.popitem(last=False)[0])
            return self._own.get(shape, self._any)


class _Compiled:
    """A compiled graph, with a request of its own for each thread."""

    def __init__(self, graph: Any, dtype: str) -> None:  # noqa: ANN401 - OpenVINO's
        bits = "bf16" if dtype == "bfloat16" or (dtype == "int8" and _has_bfloat16()) else "f32"
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": bits,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        self._compiled = core().compile_model(graph, "CPU", options)
        self._of_thread = threading.local()

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        request = getattr(self._of_thread, "request", None)
        if request is None:
            request = self._of_thread.request = self._compiled.create_infer_request()
        logits: NDArray[np.float32] = request.infer([image], share_inputs=True, share_outputs=False)[0]
        return logits


def _traced(model: Segmenter, sizes: Sequence[Size], *, transposed: bool) -> Any:  # noqa: ANN401 - OpenVINO's
    """The graph for images of any size."""
    image = traced_image(model, sizes)
    network = in_form(model, image, transposed=transposed)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of the tracing, about sizes that it takes for constants: they are checked
        return library().convert_model(
            network, example_input=image, input=[-1, image.shape[1], *[-1] * (image.ndim - 2)]
        )


def quantized(graph: Any, images: Sequence[NDArray[np.float32]]) -> Any:  # noqa: ANN401 - OpenVINO's
    """The graph in int8, with the ranges that its maps have for these images (b, c, h, w)."""
    with _quiet_nncf() as nncf:
        return nncf.quantize(graph.clone(), nncf.Dataset(images), **_how(nncf, graph, images))


def _quantized_in_part(
    graph: Any,  # noqa: ANN401 - OpenVINO's
    model: Segmenter,
    images: Sequence[NDArray[np.float32]],
    score: Callable[[Run], float],
    least: float,
) -> Any:  # noqa: ANN401 - OpenVINO's
    """The graph in int8, except for the layers that cost most, until the score is at least that."""

    def validate(compiled: Any, _: object) -> tuple[float, None]:  # noqa: ANN401 - OpenVINO's
        request = compiled.create_infer_request()

        def run(image: Tensor) -> Tensor:
            larger = padded(image, multiple_of(model)).contiguous()
            return cropped(torch.from_numpy(request.infer([larger.numpy()], share_outputs=False)[0]), image)

        return score(run), None

    drop = max(0.0, score(_Graphs(graph, model, "float32")) - least)
    with _quiet_nncf() as nncf:
        data = nncf.Dataset(images)
        how = _how(nncf, graph, images)
        return nncf.quantize_with_accuracy_control(graph.clone(), data, data, validate, max_drop=drop, **how)


def _how(nncf: Any, graph: Any, images: Sequence[object]) -> dict[str, Any]:  # noqa: ANN401 - NNCF's, OpenVINO's
    """NNCF's options: activations below zero have a range of their own; attention keeps some products in float."""
    attends = any(node.get_type_name() in ("Softmax", "ScaledDotProductAttention") for node in graph.get_ops())
    kinds = {"model_type": nncf.ModelType.TRANSFORMER} if attends else {}
    return {"preset": nncf.QuantizationPreset.MIXED, "subset_size": len(images), **kinds}


def _fastest(graphs: Sequence[Any], image: NDArray[np.float32]) -> Any:  # noqa: ANN401 - OpenVINO's
    """The graph that takes the least time for an image, called in turn."""
    calls = [_Compiled(graph, "int8") for graph in graphs]
    seconds: list[list[float]] = [[] for _ in graphs]
    for _ in range(_TIMED_CALLS):
        for call, times in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call(image)
            times.append(time.perf_counter() - start)
    return graphs[min(range(len(graphs)), key=lambda index: median(seconds[index][1:]))]


def _stored(graph: Any, sizes: Sequence[Size]) -> dict[str, bytes]:  # noqa: ANN401 - OpenVINO's
    with TemporaryDirectory() as folder:
        path = Path(folder, _GRAPH)
        library().save_model(graph, path, compress_to_fp16=False)
        files = {name: path.with_name(name).read_bytes() for name in (_GRAPH, _WEIGHTS)}
    return {**files, _SIZES: json.dumps(sizes).encode()}


@cache
def _has_bfloat16() -> bool:
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def library() -> Any:  # noqa: ANN401 - a module
    """OpenVINO, imported without its telemetry."""
    with _without_telemetry():
        return import_module("openvino")


@cache
def core() -> Any:  # noqa: ANN401 - OpenVINO's
    """The core, one a process, with its CPU plugin.

    The plugin of each core gives its thread a stack for handlers of signals. Of two cores, the one that goes last
    brings back that of the first, which is gone by then: the next signal with a handler of Python's, such as Ctrl-C,
    would end the process (seen in 2026.4).
    """
    only = library().Core()
    only.get_property("CPU", "FULL_DEVICE_NAME")  # loads the plugin
    return only


@contextmanager
def _quiet_nncf() -> Iterator[Any]:
    """NNCF, without its bars and its messages on standard output; it makes cores of its own, see `core`."""
    core()
    with _without_telemetry(), keep_signal_stack(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nncf: Any = import_module("nncf")
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            nncf.set_log_level(logging.ERROR)
            yield nncf


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Imports without `openvino_telemetry`, which would report each import and conversion to Google Analytics."""
    before = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment] # so that importing it fails, as documented
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]
        if before is not None:
            sys.modules[_TELEMETRY] = before
