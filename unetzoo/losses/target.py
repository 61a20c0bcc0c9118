"""Check logits and a target, and bring them into the form in which losses are computed."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from unetzoo.errors import TargetError
from unetzoo.losses.tracing import hidden, plain

Mode = Literal["binary", "multiclass", "multilabel"]
IGNORED = -100
"""The class id of a pixel that does not count, whatever the user's `ignore_index`."""

_MAX_SHOWN = 5
_VOID = 255  # marks pixels without a class in most data sets
_BYTE = 128  # the most classes whose ids, and IGNORED, fit into a signed byte
_HALVES = (torch.float16, torch.bfloat16)


class Pair(NamedTuple):
    """Logits and target, checked.

    Attributes:
        mode: binary (k = 1), multiclass (one class id for each pixel) or multilabel (one mask for each class).
        logits: (b, k, h, w), float32 or float64.
        target: multiclass: class ids (b, h, w), int64, `IGNORED` where a pixel does not count; else (b, k, h, w) of 0
            and 1 in the dtype of the logits (from 0 to 1 for a soft target), 0 where it does not count.
        valid: mask of the elements of `target` that count, bool, of its shape; None: all.
    """

    mode: Mode
    logits: Tensor
    target: Tensor
    valid: Tensor | None


def mode_of(logits: Tensor, target: Tensor) -> Mode:
    """The mode that the shapes of logits and target, of images or volumes, imply; TargetError if there is none."""
    for name, tensor in (("logits", logits), ("target", target)):
        if not isinstance(tensor, Tensor):
            raise TargetError(f"the {name} must be a torch.Tensor, got {type(tensor).__name__}")
    if logits.ndim not in (4, 5):
        raise TargetError(f"logits must be (b, k, h, w), got {tuple(logits.shape)}; they come first, then the target")
    batch, classes, *size = logits.shape
    if target.shape == (batch, *size):
        return "binary" if classes == 1 else "multiclass"
    if target.shape == logits.shape:
        return "binary" if classes == 1 else "multilabel"
    raise TargetError(_say_shape(logits, target))


def as_images(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and target of volumes with height and width as one axis, (b, k, d, h * w), for losses of single pixels.

    Those of images stay the same.
    """
    return (logits.flatten(3), target.flatten(-2)) if logits.ndim == 5 else (logits, target)


def make_pair(logits: Tensor, target: Tensor, ignore_index: int | None, *, soft: bool = False) -> Pair:
    """Check logits and a target, and bring both into the form in which losses are computed.

    The shapes imply the mode. A sum over an image overflows in half precision (float16 ends at 65,504), so float16 and
    bfloat16 become float32. Reading values makes the host wait for a GPU once; `torch.compile`, `torch.export` and
    `torch.func.vmap` cannot read them and check only shapes and dtypes. Subclasses of tensors become plain tensors.

    Args:
        logits: (b, k, h, w), floating point.
        target: for k = 1 a mask (b, h, w) or (b, 1, h, w); for k > 1 class ids 0 to k - 1 (b, h, w), of an integer
            dtype (multiclass), or masks (b, k, h, w) (multilabel). Masks are bool, integer or floating point, and hold
            only 0 and 1: soft labels are refused, since they mostly come from resizing a mask by interpolation.
        ignore_index: target value of elements that do not count; None: all count.
        soft: accept masks with any value from 0 to 1.

    Raises:
        TargetError: for shapes, dtypes, devices or values that do not fit.
    """
    mode = mode_of(logits, target)
    if logits.ndim != 4:
        raise TargetError(f"this loss is for images: logits must be (b, k, h, w), got {tuple(logits.shape)}")
    logits, target = plain(logits), plain(target)
    _check_types(logits, target, mode)
    logits = logits.float() if logits.dtype in _HALVES else logits
    values = target if target.is_floating_point() or target.dtype == torch.bool else target.long()
    valid = None if ignore_index is None or target.dtype == torch.bool else values != ignore_index
    counted = values if valid is None else values.masked_fill(~valid, IGNORED if mode == "multiclass" else 0)
    masks = counted if mode == "multiclass" else counted.to(logits.dtype).reshape(logits.shape)
    pair = Pair(mode, logits, masks, valid if valid is None or mode == "multiclass" else valid.reshape(logits.shape))
    unseen = target.dtype == torch.bool or hidden(target, logits)
    if not unseen and not (_all_within(pair) and (soft or not target.is_floating_point())):
        _check_values(values, valid, mode, logits, ignore_index, soft=soft)
    return pair


def as_masks(pair: Pair, dtype: torch.dtype | None = None) -> Tensor:
    """The target as one mask per class, (b, k, h, w) of 0 and 1, 0 where ignored; None: in the dtype of the logits."""
    dtype = dtype or pair.logits.dtype
    if pair.mode != "multiclass":
        return pair.target.to(dtype)
    masks = masks_of_ids(pair.target, pair.logits.shape[1])
    return masks if dtype == torch.bool else masks.view(torch.uint8).to(dtype)  # torch casts bytes faster than bools


def masks_of_ids(target: Tensor, classes: int) -> Tensor:
    """Masks of the classes of class ids (b, h, w), bool (b, k, h, w)."""
    ids = torch.arange(classes, device=target.device)[:, None, None]
    if target.device.type != "cpu" or classes > _BYTE or hidden(target):
        return target[:, None] == ids
    # on a CPU torch compares many bytes at once, but only of two contiguous maps
    shape = (target.shape[0], classes, *target.shape[1:])
    return target.to(torch.int8)[:, None].expand(shape).contiguous() == ids.to(torch.int8).expand(shape).contiguous()


def masked_mean(values: Tensor, valid: Tensor | None) -> Tensor:
    """The mean of the values that count, a scalar; 0, with gradient 0, if none does."""
    if valid is None:
        return values.sum() / max(1, values.numel())
    return values.masked_fill(~valid, 0).sum() / valid.sum().clamp(min=1)


def _say_shape(logits: Tensor, target: Tensor) -> str:
    batch, classes, *size = logits.shape
    expected = f"a mask {(batch, *size)} of 0 and 1"
    if classes > 1:
        expected = f"class ids {(batch, *size)}, or for multilabel one mask per class {tuple(logits.shape)}"
    problem = f"the target's shape {tuple(target.shape)} does not fit logits {tuple(logits.shape)}; expected {expected}"
    if target.shape == (batch, 1, *size):
        return f"{problem}; target.squeeze(1) drops the axis of length 1"
    if target.shape == (batch, *size, classes):
        return f"{problem}; target.movedim(-1, 1) puts the classes first"
    return problem


def _check_types(logits: Tensor, target: Tensor, mode: Mode) -> None:
    if not logits.is_floating_point():
        raise TargetError(f"logits must be floating point, got {logits.dtype}; they come first, then the target")
    if target.is_complex() or (mode == "multiclass" and (target.is_floating_point() or target.dtype == torch.bool)):
        holds = "class ids of an integer dtype" if mode == "multiclass" else "0 and 1"
        raise TargetError(f"a {mode} target must hold {holds}, got {target.dtype}; target.long() converts it")
    if logits.device != target.device:
        raise TargetError(f"logits are on {logits.device}, the target on {target.device}; move it with target.to(...)")


def _check_values(
    values: Tensor, valid: Tensor | None, mode: Mode, logits: Tensor, ignore_index: int | None, *, soft: bool
) -> None:
    classes = logits.shape[1]
    if mode == "multiclass":
        outside = (values < 0) | (values >= classes)
    else:
        outside = ~((values >= 0) & (values <= 1)) if soft else (values != 0) & (values != 1)  # ~: NaN is outside
    if valid is not None:
        outside = outside & valid
    if not outside.any():
        return
    strangers = torch.unique(values[outside]).tolist()
    named = ", ".join(map(_say, strangers[:_MAX_SHOWN])) + (", ..." if len(strangers) > _MAX_SHOWN else "")
    problem = f"the target holds {named} (in {int(outside.sum()):,} of {values.numel():,} values), but"
    if mode == "multiclass":
        allowed = f"the ids of the {classes} classes of logits {tuple(logits.shape)} are 0 to {classes - 1}"
        hint = f"renumber the ids, or create the network with classes={strangers[-1] + 1}"
    elif soft:
        allowed = f"a soft {mode} target holds values from 0 to 1"
        hint = "divide it by the value that stands for 1"
    else:
        allowed = f"a {mode} target holds only 0 and 1"
        hint = _hint_for_masks(strangers)
    if _VOID in strangers or strangers[0] < 0:
        hint = _hint_to_ignore(_VOID if _VOID in strangers else strangers[0], mode, ignore_index)
    raise TargetError(f"{problem} {allowed}; {hint}")


def _all_within(pair: Pair) -> bool:
    """Fast path: True if every target is valid, without allocating a map; False means "check in detail"."""
    if not pair.target.numel():
        return False
    multiclass = pair.mode == "multiclass"
    counted = pair.target.masked_fill(~pair.valid, 0) if multiclass and pair.valid is not None else pair.target
    least, largest = torch.stack(counted.aminmax()).tolist()  # the host waits once
    return bool(least >= 0 and largest <= (pair.logits.shape[1] - 1 if multiclass else 1))


def _hint_for_masks(strangers: list[float]) -> str:
    if not all(float(value).is_integer() for value in strangers):
        return (
            "only soft_bce and soft_ce take soft labels: resize masks by nearest neighbor, smooth labels with "
            "label_smoothing"
        )
    return "make it a mask, e.g. by target > 0; for several classes the network needs as many channels"


def _hint_to_ignore(value: float, mode: Mode, ignore_index: int | None) -> str:
    if ignore_index is not None:
        return f"only one value can be ignored, now ignore_index={ignore_index}"
    foreground = "" if mode == "multiclass" or value < 0 else f"if {_say(value)} is the foreground, pass target > 0; "
    return f"{foreground}if {_say(value)} marks pixels that do not count, pass ignore_index={_say(value)}"


def _say(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
