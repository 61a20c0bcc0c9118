"""The loss of a network of objects: of each map its own, of each pixel as much as it counts."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import OptionError, TargetError
from unetzoo.losses.expression import WeightedSum, WeightedTerm
from unetzoo.losses.terms import Term, parse_terms
from unetzoo.objects.coding import ObjectMap, channels_of, slices_of
from unetzoo.objects.target import activated

_IGNORED = 255
_OF_VALUES = ("l1", "mse")
_OF_PIXELS = ("bce", "ce", *_OF_VALUES)

CreateLoss = Callable[..., nn.Module]
"""Makes a loss from an expression and `ignore_index`, as `unetzoo.create_loss` does."""


def object_loss(
    maps: Sequence[ObjectMap],
    create: CreateLoss,
    *,
    expression: str | None = None,
    output_weights: Sequence[float] | None = None,
) -> WeightedSum:
    """The sum of the losses of all maps, for logits (b, c, h, w) and a target (b, c + m, h, w) of `make_target`.

    Those of volumes have an axis d before h.

    Args:
        maps: as `all_maps` gives them; each is a term of the sum with its name and its weight.
        create: `unetzoo.create_loss`.
        expression: takes the place of the loss of each map of masks or classes; those of values keep theirs. None:
            each map's own.
        output_weights: as `WeightedSum` takes them.

    Raises:
        OptionError: for an expression that cannot be read, or that does not suit a map.
        UnknownNameError, ConflictError: for the name of a loss.
    """
    channels = channels_of(maps)
    terms = []
    for index, (item, place) in enumerate(zip(maps, slices_of(maps), strict=True)):
        replaced = expression is not None and not is_of_values(item)
        loss = MapLoss(item, create, expression if replaced else None, place, channels + index, channels + len(maps))
        terms.append(WeightedTerm(item.name, item.weight, loss))
    return WeightedSum(terms, output_weights=output_weights)


def is_of_values(item: ObjectMap) -> bool:
    """Whether a map holds values, such as distances, rather than masks or classes."""
    return any(term.name in _OF_VALUES for term in parse_terms(item.loss))


class MapLoss(nn.Module):
    """The loss of one map, out of logits and a target of all of them.

    Args:
        item: the map.
        create: see `object_loss`.
        expression: in place of the map's own; None: that.
        place: the channels of the map.
        weights: the channel of the target with the weights of its pixels.
        channels: of the target.
    """

    def __init__(
        self, item: ObjectMap, create: CreateLoss, expression: str | None, place: slice, weights: int, channels: int
    ) -> None:
        super().__init__()
        self.item, self.place, self.weights, self.channels = item, place, weights, channels
        terms = parse_terms(expression or item.loss)
        self.pixel_terms = tuple(term for term in terms if term.name in _OF_PIXELS and not term.options)
        for term in self.pixel_terms:
            _check_suits(term, item)
        others = [term for term in terms if term not in self.pixel_terms]
        self.factors = tuple(term.factor for term in others)
        self.losses = nn.ModuleList(create(_text(term), ignore_index=_IGNORED) for term in others)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar >= 0; see `object_loss`.

        Raises:
            TargetError: for a target that does not fit.
        """
        self._check(logits, target)
        logits, truth, weights = logits[:, self.place].float(), target[:, self.place], target[:, self.weights]
        losses = [
            term.factor * _mean(_of_pixels(term.name, self.item, logits, truth), weights) for term in self.pixel_terms
        ]
        if self.losses:
            labels = _labels(self.item, truth, weights)
            losses += [factor * loss(logits, labels) for factor, loss in zip(self.factors, self.losses, strict=True)]
        return torch.stack(losses).sum()

    def _check(self, logits: Tensor, target: Tensor) -> None:
        fits = logits.ndim == target.ndim in (4, 5) and target.shape[1] == self.channels
        if not fits or (len(logits), *logits.shape[2:]) != (len(target), *target.shape[2:]):
            sides = "d, h, w" if logits.ndim == 5 else "h, w"
            raise TargetError(
                f"the target of objects must be (b, {self.channels}, {sides}), as make_target gives it, with the batch "
                f"and the pixels of the logits; got {tuple(target.shape)} for logits {tuple(logits.shape)}"
            )


def _of_pixels(name: str, item: ObjectMap, logits: Tensor, truth: Tensor) -> Tensor:
    """The loss of each pixel (b, h, w)."""
    if name == "ce":
        return -(truth * logits.log_softmax(1)).sum(1)
    if name == "bce":
        return F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(1)
    difference = activated(item, logits) - truth
    return (difference.abs() if name == "l1" else difference.square()).mean(1)


def _labels(item: ObjectMap, truth: Tensor, weights: Tensor) -> Tensor:
    """The target as other losses take it: class ids (b, h, w) or masks (b, k, h, w); ignored where nothing counts."""
    if item.activation == "softmax":
        return truth.argmax(1).masked_fill(weights <= 0, _IGNORED)
    return truth.masked_fill(weights[:, None] <= 0, _IGNORED)


def _mean(losses: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean; 0, with gradient 0, where nothing counts."""
    return (losses * weights).sum() / weights.sum().clamp_min(1e-6)


def _check_suits(term: Term, item: ObjectMap) -> None:
    activation = {"ce": "softmax", "bce": "sigmoid"}.get(term.name, item.activation)
    if activation != item.activation:
        raise OptionError(
            f"{term.name} needs a map of activation {activation}; {item.name!r} has {item.activation}, use "
            f"{'ce' if item.activation == 'softmax' else 'bce' if item.activation == 'sigmoid' else 'mse'}"
        )


def _text(term: Term) -> str:
    options = ", ".join(f"{name}={value!r}" for name, value in term.options.items())
    return f"{term.name}({options})"
