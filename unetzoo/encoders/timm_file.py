"""Fit the weights of a file to a model of timm, or say what differs."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from warnings import warn

import timm  # noqa: TID253 - this module is imported when an encoder of timm is built
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from unetzoo.errors import PretrainedError, WeightsWarning
from unetzoo.nn.state import prefix_before

_TOLERATED = 0.05  # of a backbone's tensors
_SHOWN = 3
_COUNTS = "num_batches_tracked"  # of norms; old checkpoints lack them


@dataclass(frozen=True)
class Fit:
    """How the tensors of a file fit a backbone.

    Attributes:
        tensors: tensors of the model, by its names.
        carried: number of the backbone's tensors among them.
        missing: names that the file lacks.
        unexpected: names that the model lacks, without those of a classifier.
        different: names of weights with another shape.
    """

    tensors: Mapping[str, Tensor]
    carried: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    different: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether the file has nearly all tensors of the backbone, and hardly any others."""
        others = len(self.missing) + len(self.unexpected)
        return bool(self.carried) and not self.different and others <= _TOLERATED * self.carried

    def __str__(self) -> str:
        kinds = {"missing": self.missing, "unexpected": self.unexpected, "of another shape": self.different}
        differences = [f"{len(names)} {kind} ({_listed(names)})" for kind, names in kinds.items() if names]
        return ", ".join([f"{self.carried} tensors fit", *differences])


@contextmanager
def fitted(name: str, backbone: Collection[str], state: Mapping[str, Tensor], source: str) -> Iterator[Path]:
    """A file of weights that timm can load, without a prefix such as `model.` or `encoder.backbone.`.

    Args:
        name: name of the model.
        backbone: names of the tensors of its backbone.
        state: the tensors.
        source: the user's name for the weights.

    Raises:
        PretrainedError: they are not those of this model.
    """
    fit = fit_names(name, backbone, state)
    if not fit.is_good:
        raise PretrainedError(
            f"the weights {source!r} are not those of timm's {name}: {fit}; nothing but a classifier may differ"
        )
    if fit.missing or fit.unexpected:
        warn(f"the weights {source!r} are not quite those of timm's {name}: {fit}", WeightsWarning, stacklevel=2)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_file({key: tensor.contiguous() for key, tensor in fit.tensors.items()}, path)
        yield path


def fit_names(name: str, backbone: Collection[str], state: Mapping[str, Tensor]) -> Fit:
    """Compare the names, without any prefix, with those of the model."""
    model = _model(name)
    own = model.state_dict()
    known = {_flat(key): key for key in own}
    bare = _bare(state, known)
    tensors = {known[_flat(key)]: state[place] for key, place in bare.items() if _flat(key) in known}
    needed = {known[_flat(key)] for key in _bare(backbone, known) if _flat(key) in known and _COUNTS not in key}
    classifier = _classifier(model)
    return Fit(
        tensors=tensors,
        carried=len(needed & tensors.keys()),
        missing=tuple(sorted(needed - tensors.keys())),
        unexpected=tuple(key for key in bare if _flat(key) not in known and not key.startswith(classifier)),
        different=tuple(key for key in sorted(needed & tensors.keys()) if _is_other(key, tensors[key], own[key])),
    )


def _model(name: str) -> nn.Module:
    """The whole model, on `meta` if it can be built there."""
    try:
        with torch.device("meta"):
            return timm.create_model(name)
    except (NotImplementedError, RuntimeError):  # some models read their own parameters while they are built
        return timm.create_model(name)


def _bare(names: Collection[str], known: Collection[str]) -> dict[str, str]:
    """The names with the most frequent prefix: without it, and as they are."""
    prefix = prefix_before(names, known, _flat)
    return {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}


def _flat(name: str) -> str:
    """A spelling that a model of timm and its backbone, which has underscores for some dots, share."""
    return name.replace(".", "_")


def _is_other(name: str, tensor: Tensor, own: Tensor) -> bool:
    """Whether a weight has another shape; position embeddings, which timm resizes, have other names."""
    return name.endswith(".weight") and tensor.shape != own.shape


def _classifier(model: nn.Module) -> tuple[str, ...]:
    names = getattr(model, "pretrained_cfg", {}).get("classifier") or ()
    return tuple(f"{name}." for name in ([names] if isinstance(names, str) else names))


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
