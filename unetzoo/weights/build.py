"""Build the network of a configuration without memory for its weights, then assign those of files."""

import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from unetzoo.errors import UnetzooError, WeightsError, WeightsWarning, describe_error
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.segmenter import Segmenter
from unetzoo.registry.build import build
from unetzoo.weights.frugal import Frugal, empty_parameters
from unetzoo.weights.safe_file import DTYPES, Stored

_SHOWN = 5
_BUFFERS, _BUFFERS_PER_WEIGHT = 2**26, 2  # bytes of buffers that are not saved
_FLOATS = {"F64", "F32", "F16", "BF16"}


def build_empty(config: ModelConfig, stored: Mapping[str, Stored]) -> Segmenter:
    """The network of a configuration, with its parameters on the `meta` device.

    Before buffers take memory, the whole network is built on `meta` and compared with the content of the files.

    Raises:
        WeightsError: tensors are missing, unexpected, or of another shape or type.
    """
    try:
        with torch.device("meta"), Frugal(len(stored)):
            sketch = _built(config)
    except UnetzooError as error:
        if not _is_about_meta(error):
            raise  # some backbones read their own parameters while they are built
    else:
        _check_tensors(sketch, stored)
        _check_buffers(sketch)
    with Frugal(len(stored), fill=False):
        model = _built(config)
    _check_tensors(model, stored)
    empty_parameters(model)
    return model


def shared_names(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Each name, and the first name of the same tensor, which differs if modules share it."""
    first: dict[int, str] = {}
    return {name: first.setdefault(id(tensor), name) for name, tensor in tensors.items()}


def _check_tensors(model: Segmenter, stored: Mapping[str, Stored]) -> None:
    """Compare the tensors of a network and of files; a shared tensor needs only one of its names in the files."""
    expected, shared = model.state_dict(), shared_names(model.state_dict(keep_vars=True))
    present = {shared.get(name, name) for name in stored}
    problems = [_listed("missing in the file", sorted(name for name in expected if shared[name] not in present))]
    problems.append(_listed("not in the network of this configuration", sorted(stored.keys() - expected.keys())))
    differing = [
        f"{name} (network {_described(tensor)}, file {list(stored[name].shape)} {stored[name].dtype})"
        for name, tensor in expected.items()
        if name in stored and not _fits(tensor, stored[name])
    ]
    problems.append(_listed("different", differing))
    if any(problems):
        raise WeightsError(f"the weights are not those of this network: {'; '.join(filter(None, problems))}")


def fill(model: Segmenter, tensors: Mapping[str, Tensor]) -> None:
    """Assign tensors to a network without copies; mixed floating types are converted to one.

    Raises:
        WeightsError: a shared tensor has two values, or a tensor has none.
    """
    tensors = _with_one_type(model, tensors)
    shared = shared_names(model.state_dict(keep_vars=True))
    values: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        value = values.setdefault(shared[name], tensor)
        if value is not tensor and not torch.equal(value, tensor):
            raise WeightsError(f"{shared[name]} and {name} are one tensor in this network, but two in the file")
    model.load_state_dict({name: values[first] for name, first in shared.items()}, assign=True)
    for name, first in shared.items():
        if name != first:
            _share(model, name, first)
    still_empty = [name for name, tensor in (*model.named_parameters(), *model.named_buffers()) if tensor.is_meta]
    if still_empty:
        raise WeightsError(f"the weights leave {_listed('tensors without a value', still_empty)}")


def _with_one_type(model: nn.Module, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors; where the network has one floating type and they have several, they get that type."""
    usual = {name: tensor.dtype for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    types: dict[torch.dtype, set[torch.dtype]] = {}
    for name, dtype in usual.items():
        if name in tensors:
            types.setdefault(dtype, set()).add(tensors[name].dtype)
    mixed = {dtype for dtype, several in types.items() if len(several) > 1}
    if not mixed:
        return tensors
    several = sorted(str(item).removeprefix("torch.") for dtype in mixed for item in types[dtype])
    warnings.warn(
        f"the weights are of several floating types, {', '.join(several)}, in which no network runs: they are converted"
        " to the type that the network is created with",
        WeightsWarning,
        stacklevel=4,
    )
    return {name: item.to(usual[name]) if usual.get(name) in mixed else item for name, item in tensors.items()}


def _share(model: nn.Module, name: str, first: str) -> None:
    """Make a name refer to the same parameter as another name, as before the assignment."""
    module, _, own = name.rpartition(".")
    first_module, _, first_own = first.rpartition(".")
    setattr(model.get_submodule(module), own, getattr(model.get_submodule(first_module), first_own))


def _built(config: ModelConfig) -> Segmenter:
    try:
        return build(config)
    except UnetzooError:
        raise
    except Exception as error:  # untrusted options may make a builder raise anything
        problem = (
            f"{config.decoder!r} with the encoder {config.encoder!r} cannot be built with the options of config.json"
        )
        raise WeightsError(f"{problem}: {describe_error(error)}") from error


def _check_buffers(sketch: Segmenter) -> None:
    """Raise WeightsError if buffers that no file holds take far more memory than the weights."""
    saved = sketch.state_dict().keys()
    size = sum(buffer.nbytes for name, buffer in sketch.named_buffers() if name not in saved)
    weights = sum(tensor.nbytes for tensor in sketch.state_dict().values())
    if size > _BUFFERS + _BUFFERS_PER_WEIGHT * weights:
        raise WeightsError(
            f"config.json describes a network that needs {size:,} bytes beside its weights of {weights:,}: an option"
            " such as img_size is far too large for them"
        )


def _is_about_meta(error: BaseException | None) -> bool:
    """Whether an error is that of a tensor on `meta`, which has no data."""
    while error is not None:
        if isinstance(error, NotImplementedError) or "meta tensor" in str(error) or "device meta" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _fits(tensor: Tensor, stored: Stored) -> bool:
    if tuple(tensor.shape) != stored.shape:
        return False
    return stored.dtype in _FLOATS if tensor.is_floating_point() else stored.dtype == DTYPES.get(tensor.dtype)


def _described(tensor: Tensor) -> str:
    return f"{list(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


def _listed(what: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {what}: {', '.join(names[:_SHOWN])}{more}" if names else ""
