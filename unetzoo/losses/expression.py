"""Weighted sums of losses, also over the outputs of deep supervision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from unetzoo.errors import OptionError, PluginError, TargetError
from unetzoo.losses.checks import as_weights, check_ignore_index
from unetzoo.losses.resolution import at_one_resolution
from unetzoo.losses.terms import Term, parse_terms
from unetzoo.options import build_part, options_of

if TYPE_CHECKING:
    from unetzoo.registry.registry import Registry
    from unetzoo.specs import LossSpec


@dataclass(frozen=True)
class WeightedTerm:
    """One summand.

    Attributes:
        label: its name, with `#2`, `#3`, ... for repeated losses.
        factor: > 0.
        loss: maps logits and a target to a scalar >= 0.
    """

    label: str
    factor: float
    loss: nn.Module


def parse_loss(
    expression: str,
    registry: "Registry[LossSpec]",
    *,
    ignore_index: int | None = None,
    output_weights: Sequence[float] | None = None,
) -> "WeightedSum":
    """Build a loss from `[factor *] name [(option=value, ...)] + ...`.

    Args:
        expression: such as `"0.5*dice(smooth=1) + bce"`, with names of the registry.
        registry: the losses.
        ignore_index: option of every term without an `ignore_index` of its own; None: not set.
        output_weights: see `WeightedSum`.

    Raises:
        UnknownNameError, ConflictError: for a name, see `Registry.find`.
        OptionError: for an invalid expression, an option that a loss does not have, or an `ignore_index` for a loss
            without this option.
        PluginError: when a builder does not return a torch module.
    """
    check_ignore_index("ignore_index", ignore_index)
    terms = parse_terms(expression)
    losses = [_build(term, registry, ignore_index) for term in terms]
    names = [term.name for term in terms]
    earlier = [names[:index].count(name) for index, name in enumerate(names)]
    labels = [f"{name}#{count + 1}" if count else name for name, count in zip(names, earlier, strict=True)]
    return WeightedSum(
        [WeightedTerm(label, term.factor, loss) for label, term, loss in zip(labels, terms, losses, strict=True)],
        output_weights=output_weights,
    )


def _build(term: Term, registry: "Registry[LossSpec]", ignore_index: int | None) -> nn.Module:
    spec = registry.find(term.name).spec
    shared = {} if ignore_index is None else {"ignore_index": ignore_index}
    if shared and "ignore_index" not in {option.name for option in options_of("loss", spec.build)}:
        raise OptionError(
            f"loss {term.name!r} has no option ignore_index, so it would count these pixels; leave it out, or use "
            "another loss"
        )
    loss = build_part("loss", term.name, spec.build, {}, shared | term.options)
    if not isinstance(loss, nn.Module):
        raise PluginError(f"the builder of loss {term.name!r} must return a torch.nn.Module, but returned {loss!r}")
    return loss


class WeightedSum(nn.Module):
    """A sum of losses, each with a factor; for a list of logits the weighted mean over it (deep supervision).

    U-Net++ puts the same loss on the output of each of its nested U-Nets (arXiv:1807.10165).

    Args:
        terms: at least one, with distinct labels.
        output_weights: weights of the outputs for a list of logits, in its order (best last), >= 0, scaled to a sum of
            1. None: all equal.

    Raises:
        OptionError: for output weights that are not numbers >= 0, or all 0.
    """

    def __init__(self, terms: Sequence[WeightedTerm], *, output_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        checked = as_weights("output_weights", output_weights)
        self.output_weights = None if checked is None else tuple((checked.double() / checked.double().sum()).tolist())
        self._labels = tuple(term.label for term in terms)
        self._factors = tuple(term.factor for term in terms)
        self.losses = nn.ModuleList(term.loss for term in terms)

    @property
    def terms(self) -> tuple[WeightedTerm, ...]:
        """The summands, in order."""
        return tuple(map(WeightedTerm, self._labels, self._factors, self.losses))

    def forward(self, logits: Tensor | Sequence[Tensor], target: Tensor) -> Tensor:
        """The sum, a scalar >= 0.

        Args:
            logits: (b, k, h, w), or a list with one for each output; an output of a list may be smaller than the target
                by whole factors, like those of `Segmenter.native_logits`, and is compared with the middle pixel of each
                block of the target; a block whose middle lies outside does not count.
            target: (b, h, w) for binary (k = 1) and multiclass, (b, k, h, w) for multilabel.

        Raises:
            TargetError: for a target that does not fit.
            OptionError: when the number of output weights is not that of the outputs.
        """
        return _weighted(self._factors, list(self.parts(logits, target).values()))

    def parts(self, logits: Tensor | Sequence[Tensor], target: Tensor) -> dict[str, Tensor]:
        """Each term's value by its label, without its factor; arguments and errors are those of `forward`."""
        outputs = [(logits, target)] if isinstance(logits, Tensor) else _paired(logits, target)
        weights = (1.0,) if isinstance(logits, Tensor) else self._weights(len(outputs))
        return {
            label: _weighted(weights, [loss(output, truth) for output, truth in outputs])
            for label, loss in zip(self._labels, self.losses, strict=True)
        }

    def extra_repr(self) -> str:
        """The formula."""
        return " + ".join(f"{factor:g}*{label}" for label, factor in zip(self._labels, self._factors, strict=True))

    def _weights(self, outputs: int) -> tuple[float, ...]:
        if self.output_weights is None:
            return (1 / outputs,) * outputs
        if len(self.output_weights) != outputs:
            raise OptionError(
                f"{len(self.output_weights)} output_weights do not fit {outputs} outputs; pass one for each"
            )
        return self.output_weights


def _weighted(weights: Sequence[float], values: Sequence[Tensor]) -> Tensor:
    total, *rest = (weight * value for weight, value in zip(weights, values, strict=True))
    for summand in rest:
        total = total + summand
    return total


def _paired(outputs: Sequence[Tensor], target: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Each output with the target at its resolution."""
    if not isinstance(outputs, (list, tuple)) or not outputs:
        raise TargetError(f"the logits must be a tensor (b, k, h, w) or a list of at least one, got {outputs!r}")
    if not all(isinstance(tensor, Tensor) and tensor.ndim >= 3 for tensor in (*outputs, target)):
        return [(output, target) for output in outputs]  # the losses raise the error
    return [at_one_resolution(output, target) for output in outputs]
