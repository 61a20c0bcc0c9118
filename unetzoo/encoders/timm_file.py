"""The weights of a file for a model of timm: under the names that timm has, or an error that says what differs."""

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
        tensors: those that the model has, by its names.
        carried: how many of the backbone's tensors are among them.
        missing: names that the file lacks.
        unexpected: names that the model lacks; those of a classifier do not count.
        different: names of weights that have another shape.
    """

    tensors: Mapping[str, Tensor]
    carried: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    different: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether nearly all of the backbone is in the file, and nearly nothing else."""
        others = len(self.missing) + len(self.unexpected)
        return bool(self.carried) and not self.different and others <= _TOLERATED * self.carried

    def __str__(self) -> str:
        kinds = {"missing": self.missing, "unexpected": self.unexpected, "of another shape": self.different}
        told = [f"{len(names)} {kind} ({_listed(names)})" for kind, names in kinds.items() if names]
        return ", ".join([f"{self.carried} tensors fit", *told])


@contextmanager
def fitted(name: str, backbone: Collection[str], state: Mapping[str, Tensor], source: str) -> Iterator[Path]:
    """A file of weights that timm can load: without a prefix such as `model.` or `encoder.backbone.`.

    Args:
        name: of the model.
        backbone: names of its backbone's tensors.
        state: the tensors.
        source: what the user calls them.

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
    """Compare the names, behind whatever prefix, with those of the model."""
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
    """The whole model, without memory for its weights where it can be built so."""
    try:
        with torch.device("meta"):
            return timm.create_model(name)
    except (NotImplementedError, RuntimeError):  # some compute with their own parameters while they are built
        return timm.create_model(name)


def _bare(names: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Each of the names that have the prefix of the known ones, without it, and as it was."""
    prefix = prefix_before(names, known, _flat)
    return {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}


def _flat(name: str) -> str:
    """A name as it is spelled alike in a model of timm and in its backbone, where some dots are underscores."""
    return name.replace(".", "_")


def _is_other(name: str, tensor: Tensor, own: Tensor) -> bool:
    """Whether a weight has another shape; what belongs to positions, which timm resizes, is called otherwise."""
    return name.endswith(".weight") and tensor.shape != own.shape


def _classifier(model: nn.Module) -> tuple[str, ...]:
    names = getattr(model, "pretrained_cfg", {}).get("classifier") or ()
    return tuple(f"{name}." for name in ([names] if isinstance(names, str) else names))


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
