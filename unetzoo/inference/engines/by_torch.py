"""Torch as an engine."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from unetzoo.errors import OptionError
from unetzoo.inference.engines.calibration import Calibration
from unetzoo.nn.segmenter import Segmenter


def check(dtype: str) -> None:
    """Raise OptionError where the CPU only emulates the dtype, a hundred times as slow as float32."""
    if dtype == "bfloat16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        raise OptionError("this CPU does not compute in bfloat16: choose float32")


def convert(
    _model: Segmenter, _sizes: Sequence[tuple[int, ...]], _dtype: str, _calibration: Calibration | None
) -> dict[str, bytes]:
    """No files: the weights of the network suffice."""
    return {}


def start(model: Segmenter, _files: Mapping[str, bytes], dtype: str) -> Callable[[Tensor], Tensor]:
    """The optimized network."""
    from unetzoo.inference.engines.optimize import optimize

    return optimize(model, dtype=getattr(torch, dtype))
