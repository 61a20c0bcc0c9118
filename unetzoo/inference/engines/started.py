"""A network that an engine computes: its files, and the function that the engine makes of them."""

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from unetzoo._utils.memory import is_out_of_memory
from unetzoo.errors import OptionError, ShapeError, UnetzooError, describe_error
from unetzoo.inference.engines.padding import Size
from unetzoo.layers.axes import AXES
from unetzoo.nn.segmenter import Segmenter
from unetzoo.registry.host import host
from unetzoo.specs import Builder, EngineSpec, Lazy

PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
"""How files of engines are called."""


class EngineRun:
    """Computes logits of images by an engine, which starts at the first call, also in another process.

    Several threads may call it at once.

    Args:
        model: the original network.
        engine: name of the engine.
        files: that its `convert` gave.
        dtype: of the arithmetic.
        only_size: (height, width) of the only images that the graph holds for, of volumes (depth, height, width);
            None: it holds for all.
    """

    def __init__(
        self, model: Segmenter, engine: str, files: Mapping[str, bytes], dtype: str, only_size: Size | None = None
    ) -> None:
        self.model, self.engine, self.files, self.dtype = model, engine, files, dtype
        self.only_size = only_size
        self._function: Callable[[Tensor], Tensor] | None = None
        self._starting = Lock()

    def __call__(self, image: Tensor) -> Tensor:
        """Logits (b, classes, h, w) for images (b, c, h, w), float32 on the CPU.

        Raises:
            ShapeError: images of another number of channels, or of another size than the only one.
            UnetzooError: the engine fails.
        """
        config = self.model.config
        if image.ndim != config.spatial_dims + 2 or image.shape[1] != config.in_channels:
            kind = "images" if config.spatial_dims == 2 else "volumes"
            expected = f"(b, {config.in_channels}, {AXES[config.spatial_dims].sizes})"
            raise ShapeError(f"this network takes {kind} {expected}, got {tuple(image.shape)}")
        if self.only_size and tuple(image.shape[2:]) != self.only_size:
            only, own = (" x ".join(map(str, size)) for size in (self.only_size, image.shape[2:]))
            raise ShapeError(
                f"this network's graph in {self.engine} holds for images of {only} pixels alone, got {own}"
            )
        function = self.start()
        try:
            return function(image)
        except UnetzooError:
            raise
        except Exception as error:  # another library may raise anything
            if is_out_of_memory(error):
                raise
            raise UnetzooError(f"the engine {self.engine!r} failed: {describe_error(error)}") from error

    @property
    def digest(self) -> str:
        """A digest of the files and the dtype."""
        digest = blake2b(self.dtype.encode(), digest_size=16)
        for name, content in sorted(self.files.items()):
            digest.update(name.encode())
            digest.update(content)
        return digest.hexdigest()

    def start(self) -> Callable[[Tensor], Tensor]:
        """The function of the engine."""
        with self._starting:
            if self._function is None:
                spec = engine_spec(self.engine)
                check_engine(spec, self.dtype)
                self._function = guarded(
                    spec.name, "start this network", spec.start, self.model, self.files, self.dtype
                )
        return self._function

    def __getstate__(self) -> dict[str, Any]:
        """The state without what belongs to this process."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_function", "_starting")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._function, self._starting = None, Lock()


def engine_spec(name: str) -> EngineSpec:
    """The spec of an engine; UnknownNameError or ConflictError if its name means none or several."""
    spec: EngineSpec = host().registries["engine"].find(name).spec
    return spec


def check_engine(spec: EngineSpec, dtype: str) -> None:
    """Raise an UnetzooError unless an engine computes in a dtype here."""
    if dtype not in spec.dtypes:
        raise OptionError(f"the engine {spec.name!r} computes in {', '.join(spec.dtypes)}, not in {dtype}")
    if spec.check is not None:
        guarded(spec.name, "be used here", spec.check, dtype)


def guarded(engine: str, doing: str, function: Lazy | Builder, *arguments: Any) -> Any:  # noqa: ANN401 - of any step
    """The result of a step of an engine, without gradients; UnetzooError for whatever else it raises."""
    try:
        with torch.no_grad():
            return (function.resolve() if isinstance(function, Lazy) else function)(*arguments)
    except UnetzooError:
        raise
    except Exception as error:  # another library may raise anything
        raise UnetzooError(f"the engine {engine!r} cannot {doing}: {describe_error(error)}") from error
