"""Pretrained weights for a model of timm: timm's own, a file, or a repository of the Hub."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import timm  # noqa: TID253 - this module is imported when an encoder of timm is built
from safetensors.torch import load_file
from torch import Tensor

from unetzoo._utils.connection import check_at_hand
from unetzoo.encoders.timm_file import fitted
from unetzoo.encoders.timm_names import timm_spec
from unetzoo.errors import HubError, PretrainedError, describe_error
from unetzoo.nn.state import tensors_in

_HUB, _SAFE = "hf-hub:", ".safetensors"
_FILES = ("model.safetensors", "pytorch_model.bin")  # of a repository with weights for timm


@contextmanager
def weights_for(
    name: str, pretrained: bool | str, backbone: Callable[[], Collection[str]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name, perhaps with a tag, and the options with which timm creates a model with these weights.

    Args:
        name: name of the model.
        pretrained: False, True, a tag, a .safetensors file, or `"hf-hub:user/name"`.
        backbone: returns the names of the tensors of its backbone.

    Raises:
        PretrainedError: there are no such weights, they cannot be loaded, or they are those of another model.
    """
    if isinstance(pretrained, str) and pretrained.startswith(_HUB):
        state = _of_hub(name, pretrained)
    elif isinstance(pretrained, str) and pretrained.endswith(_SAFE):
        state = _of_file(name, pretrained)
    else:
        tagged = f"{name}.{_tag(pretrained)}" if isinstance(pretrained, str) else name
        with _explained(name, pretrained):
            if pretrained:
                _check_own(tagged)
            yield tagged, {"pretrained": bool(pretrained)}
        return
    with fitted(name, backbone(), state, pretrained) as file, _explained(name, pretrained):
        yield name, {"pretrained": True, "pretrained_cfg_overlay": {"file": str(file)}}


def _tag(pretrained: str) -> str:
    if "/" in pretrained or pretrained.endswith((".pth", ".pt", ".bin")):
        raise PretrainedError(
            f"{pretrained!r} is not a tag, 'hf-hub:user/name' or a {_SAFE} file: other files could run code when they"
            " are read; convert it with torch.load(..., weights_only=True) and safetensors.torch.save_file"
        )
    return pretrained


def _of_file(name: str, path: str) -> Mapping[str, Tensor]:
    with _explained(name, path):
        return load_file(path)


def _of_hub(name: str, pretrained: str) -> Mapping[str, Tensor]:
    from timm.models import load_state_dict_from_hf

    repo_id = pretrained.removeprefix(_HUB)
    with _explained(name, pretrained):
        check_at_hand(repo_id, _FILES)
        return tensors_in(load_state_dict_from_hf(repo_id, weights_only=True))


def _check_own(tagged: str) -> None:
    """Raise HubError, within seconds, if timm's own weights are neither cached nor available."""
    config = timm.get_pretrained_cfg(tagged, allow_unregistered=False)
    if config is not None and config.hf_hub_id:
        check_at_hand(config.hf_hub_id, [config.hf_hub_filename] if config.hf_hub_filename else _FILES)


@contextmanager
def _explained(name: str, pretrained: bool | str) -> Iterator[None]:
    """Turn all errors of timm, the Hub and files into PretrainedError, if weights are requested."""
    try:
        yield
    except PretrainedError:
        raise
    except Exception as error:
        if not pretrained:
            raise
        cause = None if isinstance(error, HubError) else error  # its message says enough
        raise PretrainedError(_why_not(name, pretrained, error)) from cause


def _why_not(name: str, pretrained: bool | str, error: Exception) -> str:
    tags = timm_spec(name).pretrained
    if isinstance(pretrained, str) and (pretrained.startswith(_HUB) or pretrained.endswith(_SAFE)):
        return f"the weights {pretrained!r} cannot be loaded for {name!r}: {describe_error(error)}"
    if not tags:
        return f"timm has no pretrained weights for {name!r}; create it with pretrained=False"
    if isinstance(pretrained, str) and pretrained not in tags:
        return f"{name!r} has no pretrained weights {pretrained!r}; it has {', '.join(tags)}"
    return (
        f"the pretrained weights of {name!r} are not in the cache and could not be downloaded"
        f" ({type(error).__name__}); go online once, or create it with pretrained=False"
    )
