"""What all losses share: the options that each of them takes, and how they read logits, probabilities and targets."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from unetzoo.errors import TargetError
from unetzoo.losses.checks import Weights, as_weights, check_ignore_index, check_switch, weights_for
from unetzoo.losses.target import Pair, make_pair
from unetzoo.losses.tracing import hidden


class Loss(nn.Module, ABC):
    """A loss of logits (b, k, h, w) and a target; the options of every loss.

    Args:
        class_weights: one for each class, >= 0, of its part in the mean over classes or pixels; a 0 leaves the class
            out, such as the background. None: all equal.
        per_image: the loss of each image, then their mean; otherwise one over all pixels of the batch. An image in
            which nothing counts is left out.
        ignore_index: target value of pixels that do not count.
        from_logits: whether the loss is given logits; otherwise probabilities, as a sigmoid gives them for a binary or
            multilabel target and a softmax for a multiclass one.

    Raises:
        OptionError: for a value outside its range.
    """

    class_weights: Tensor | None

    def __init__(
        self, *, class_weights: Weights | None, per_image: bool, ignore_index: int | None, from_logits: bool
    ) -> None:
        super().__init__()
        check_switch("per_image", per_image)
        check_switch("from_logits", from_logits)
        check_ignore_index(ignore_index)
        self.per_image = per_image
        self.ignore_index = ignore_index
        self.from_logits = from_logits
        self.register_buffer("class_weights", as_weights("class_weights", class_weights), persistent=False)

    @abstractmethod
    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar >= 0, of logits (b, k, h, w) and a target of (b, h, w) or (b, k, h, w)."""

    def read(self, given: Tensor, target: Tensor, *, soft: bool = False) -> Pair:
        """Check what a loss was given; `Pair.logits` holds the probabilities where `from_logits` is False.

        Args:
            given: logits or probabilities (b, k, h, w).
            target: as `make_pair` takes it.
            soft: whether masks may hold any value from 0 to 1.

        Raises:
            TargetError: for a target that does not fit, or probabilities outside [0, 1].
        """
        pair = make_pair(given, target, self.ignore_index, soft=soft)
        if not (self.from_logits or hidden(given)):
            _check_probabilities(pair.logits)
        return pair

    def probabilities(self, pair: Pair) -> Tensor:
        """The probability of each class (b, k, h, w): softmax for a multiclass target, else sigmoid."""
        if not self.from_logits:
            return pair.logits
        return pair.logits.softmax(1) if pair.mode == "multiclass" else pair.logits.sigmoid()

    def with_logits(self, pair: Pair) -> Pair:
        """The pair with logits; of probabilities, which are held away from 0 and 1 by the precision of their dtype."""
        if self.from_logits:
            return pair
        nearest = torch.finfo(pair.logits.dtype).eps
        if pair.mode == "multiclass":
            return pair._replace(logits=pair.logits.clamp_min(nearest).log())
        return pair._replace(logits=torch.logit(pair.logits, nearest))

    def weights(self, pair: Pair) -> Tensor | None:
        """The class weights (k) for a pair; OptionError when there are not k of them."""
        return None if self.class_weights is None else weights_for(pair.logits, "class_weights", self.class_weights)


def _check_probabilities(given: Tensor) -> None:
    if given.numel() == 0:
        return
    low, high = (float(extreme) for extreme in given.detach().aminmax())
    if low < 0 or high > 1:
        raise TargetError(
            f"with from_logits=False the loss takes probabilities from 0 to 1, got values from {low:.3g} to "
            f"{high:.3g}; leave from_logits out for logits"
        )
