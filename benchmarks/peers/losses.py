"""The losses of each library that compare logits with masks, each run with options that make it take them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from benchmarks.peers.outcomes import Outcomes
from unetzoo.assembly import create_loss

Loss = Callable[[Tensor, Tensor], Tensor]

_CLASSES, _SIDE = 2, 32


def count_losses() -> dict[str, Outcomes]:
    """For each library what came of each of its losses."""
    tried = {}
    for library, table in {"unetzoo": _ours(), "segmentation_models_pytorch": _smp(), "MONAI": _monai()}.items():
        outcomes = tried[library] = Outcomes()
        for name, build in table.items():
            outcomes.add(name, partial(_learns, build))
    return tried


def _learns(build: Callable[[], Loss]) -> None:
    """Forward and backward, with the first kind of target that the loss takes."""
    loss, errors = build(), []
    for targets in _targets():
        logits = torch.randn(2, _CLASSES, _SIDE, _SIDE, generator=torch.Generator().manual_seed(0)).requires_grad_()
        try:
            value = loss(logits, targets)
            (gradient,) = torch.autograd.grad(value, logits)
        except Exception as error:
            errors.append(error)
            continue
        if value.isfinite() and gradient.isfinite().all() and gradient.abs().sum() > 0:
            return
        errors.append(ValueError(f"value {float(value):g}, or a gradient that is zero or not finite"))
    raise errors[0]


def _targets() -> list[Tensor]:
    """The same masks as class ids (b, h, w) and (b, 1, h, w), and as a channel a class (b, k, h, w)."""
    ids = torch.randint(_CLASSES, (2, _SIDE, _SIDE), generator=torch.Generator().manual_seed(1))
    return [ids, ids[:, None], F.one_hot(ids).permute(0, 3, 1, 2).float()]


def _ours() -> Mapping[str, Callable[[], Loss]]:
    from unetzoo.registry.builtin import unetzoo_losses

    return {spec.name: partial(create_loss, spec.name) for spec in unetzoo_losses()}


def _smp() -> Mapping[str, Callable[[], Loss]]:
    from segmentation_models_pytorch import losses

    names = [name for name in losses.__all__ if name.endswith("Loss")]
    by_name: dict[str, Callable[[], Loss]] = {name: partial(getattr(losses, name), "multiclass") for name in names}
    by_name["MCCLoss"] = partial(_of_one_class, losses.MCCLoss)
    by_name["SoftBCEWithLogitsLoss"] = losses.SoftBCEWithLogitsLoss
    by_name["SoftCrossEntropyLoss"] = partial(losses.SoftCrossEntropyLoss, smooth_factor=0.1)  # without it fails
    return by_name


def _monai() -> Mapping[str, Callable[[], Loss]]:
    """Those of `monai.losses` for segmentation, without what wraps another: masks, scales, supervised levels."""
    import monai.losses

    losses: Any = monai.losses  # it exports without saying so
    ids: dict[str, Any] = {"softmax": True, "to_onehot_y": True}
    with_options: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("DiceLoss", "DiceCELoss", "DiceFocalLoss", "GeneralizedDiceLoss"), ids),
        **dict.fromkeys(("GeneralizedDiceFocalLoss", "TverskyLoss", "MCCLoss"), ids),
        **dict.fromkeys(("HausdorffDTLoss", "LogHausdorffDTLoss"), ids),
        "FocalLoss": {"to_onehot_y": True},
        "GeneralizedWassersteinDiceLoss": {"dist_matrix": 1 - torch.eye(_CLASSES)},
        "NACLLoss": {"classes": _CLASSES, "dim": 2},
    }
    by_name: dict[str, Callable[[], Loss]] = {
        name: partial(getattr(losses, name), **options) for name, options in with_options.items()
    }
    for name in ("SoftclDiceLoss", "SoftDiceclDiceLoss", "AsymmetricUnifiedFocalLoss"):
        by_name[name] = partial(_of_probabilities, getattr(losses, name))
    return by_name


def _of_probabilities(build: Callable[[], Loss]) -> Loss:
    loss = build()
    return lambda logits, target: loss(logits.softmax(1), target)


def _of_one_class(build: Callable[[], Loss]) -> Loss:
    loss = build()
    return lambda logits, target: loss(logits[:, 1:].sigmoid(), target)
