"""The base of all losses: their shared options, and the reading of logits, probabilities and targets."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

import torch
from torch import Tensor, nn

from unetzoo.errors import TargetError
from unetzoo.losses.checks import Weights, as_weights, check_ignore_index, check_switch, weights_for
from unetzoo.losses.target import Mode, Pair, as_images, make_pair, mode_of
from unetzoo.losses.tracing import hidden

_Kind = TypeVar("_Kind", bound=type)


def option(*, default: Any, check: Callable[[str, Any], None]) -> Any:  # noqa: ANN401 - as `dataclasses.field`
    """A checked option of a loss; `check(name, value)` raises OptionError for a value outside its range."""
    return field(default=default, metadata={"check": check})


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(option,))
def options(kind: _Kind) -> _Kind:
    """Make a loss of a class whose annotated attributes are its options, given by name.

    Its own options precede the inherited ones in the signature, from which the registry reads them.
    """
    dataclass(kw_only=True, eq=False, repr=False)(kind)
    names = {declared.name for declared in fields(kind)}
    order = [name for owner in kind.__mro__ for name in inspect.get_annotations(owner) if name in names]
    constructor = vars(kind)["__init__"]
    signature = inspect.signature(constructor)
    parameters = [signature.parameters[name] for name in ("self", *dict.fromkeys(order))]
    constructor.__signature__ = signature.replace(parameters=parameters)
    for name in names & vars(kind).keys():
        delattr(kind, name)  # the default, which lies in the signature, too: a buffer may have the option's name
    return kind


@options
class Loss(nn.Module, ABC):
    """A loss of logits (b, k, h, w) and a target; the options of every loss.

    Args:
        class_weights: the weight of each class in the mean over classes or pixels, >= 0; 0 leaves a class out, such as
            the background. None: all equal.
        per_image: compute the loss of each image, then their mean, instead of one loss over all pixels of the batch. An
            image without a pixel that counts is left out.
        ignore_index: target value of pixels that do not count.
        from_logits: whether the loss takes logits; otherwise probabilities, of a sigmoid for a binary or multilabel
            target and of a softmax for a multiclass one.

    Raises:
        OptionError: for a value outside its range.
    """

    class_weights: Weights | None = None
    per_image: bool = option(default=False, check=check_switch)
    ignore_index: int | None = option(default=None, check=check_ignore_index)
    from_logits: bool = option(default=True, check=check_switch)

    soft: ClassVar[bool] = False
    """Whether masks may hold any value from 0 to 1."""

    def __post_init__(self) -> None:
        """Check the options."""
        nn.Module.__init__(self)
        for declared in fields(self):
            if check := declared.metadata.get("check"):
                check(declared.name, getattr(self, declared.name))
        self.keep_weights("class_weights", self.class_weights)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar >= 0.

        Args:
            logits: (b, k, h, w), or (b, k, d, h, w) of volumes.
            target: (b, h, w) for binary (k = 1) and multiclass, (b, k, h, w) for multilabel; volumes likewise.

        Raises:
            TargetError: for a target that does not fit, or probabilities outside [0, 1].
            OptionError: when an option has another number of classes, or is for another kind of target.
        """
        self.check_mode(mode_of(logits, target), logits, target)
        pair = make_pair(*as_images(logits, target), self.ignore_index, soft=self.soft)
        if not (self.from_logits or hidden(logits)):
            _check_probabilities(pair.logits)
        return self.of_pair(pair)

    def check_mode(self, mode: Mode, logits: Tensor, target: Tensor) -> None:
        """Raise TargetError for a mode that the loss does not take."""

    @abstractmethod
    def of_pair(self, pair: Pair) -> Tensor:
        """The loss, a scalar >= 0; `pair.logits` holds the probabilities where `from_logits` is False."""

    def probabilities(self, pair: Pair) -> Tensor:
        """The probability of each class (b, k, h, w): softmax for a multiclass target, else sigmoid."""
        if not self.from_logits:
            return pair.logits
        return pair.logits.softmax(1) if pair.mode == "multiclass" else pair.logits.sigmoid()

    def with_logits(self, pair: Pair) -> Pair:
        """The pair with logits; probabilities are first clamped away from 0 and 1 by the precision of their dtype."""
        if self.from_logits:
            return pair
        nearest = torch.finfo(pair.logits.dtype).eps
        if pair.mode == "multiclass":
            return pair._replace(logits=pair.logits.clamp_min(nearest).log())
        return pair._replace(logits=torch.logit(pair.logits, nearest))

    def keep_weights(self, option: str, values: Weights | None) -> None:
        """Hold the weights of an option as a buffer of its name; OptionError unless they are weights."""
        vars(self).pop(option)
        self.register_buffer(option, as_weights(option, values), persistent=False)

    def weights_of(self, option: str, pair: Pair) -> Tensor | None:
        """The weights (k) of an option for a pair; None without them. OptionError when there are not k of them."""
        weights: Tensor | None = getattr(self, option)
        return None if weights is None else weights_for(pair.logits, option, weights)


def _check_probabilities(values: Tensor) -> None:
    if values.numel() == 0:
        return
    low, high = (float(extreme) for extreme in values.detach().aminmax())
    if low < 0 or high > 1:
        raise TargetError(
            f"with from_logits=False the loss takes probabilities from 0 to 1, got values from {low:.3g} to "
            f"{high:.3g}; leave from_logits out for logits"
        )
