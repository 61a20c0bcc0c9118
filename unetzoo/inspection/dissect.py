"""Run a network once and see what its parts are.

Nothing is asked of a decoder: the run shows which block gets what. The wiring is read from autograd's graph of that
run, so that upsampling and concatenation between two blocks do not hide it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from unetzoo.inspection.anatomy import Anatomy, Cost, Kind, Part, Size
from unetzoo.nn.misfit import need_images
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of

_FLOPS_A_MULTIPLY_ADD = 2
_MAP_AXES = 4


def dissect(model: Segmenter, size: Size) -> Anatomy:
    """Run a network once, on whatever device it is (`"meta"` needs neither time nor memory), and look at its parts.

    Args:
        model: left in evaluation mode, its parameters with gradients.
        size: (height, width) of the image in pixels.

    Raises:
        ShapeError: the network cannot take images of that size.
        OptionError: the network takes volumes.
    """
    model = segmenter_of(model, "taken apart", allow_meta=True)
    need_images(model.config, "a table or drawing of parts")
    model.eval().requires_grad_(True)
    device = next(model.parameters()).device
    image = torch.zeros(1, model.config.in_channels, *size, device=device)
    counter = FlopCounterMode(display=False)
    plain_attention = sdpa_kernel(SDPBackend.MATH)  # not every version of torch counts its fused one on CPUs
    with (
        torch.enable_grad(),
        plain_attention,
        counter,
        _CountOperations(counter) as operations,
        _Trace(model, operations) as trace,
    ):
        model.all_logits(image)
    return Anatomy(tuple(trace.parts), Cost(_parameters(model), operations.total()), trace.rest())


class _CountOperations(TorchFunctionMode):
    """Which step of autograd's graph stands for how many multiply-adds."""

    def __init__(self, counter: FlopCounterMode) -> None:
        super().__init__()
        self.counter = counter
        self.of_step: Counter[Node] = Counter()
        self._seen = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Collection[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever func returns
        result = func(*args, **(kwargs or {}))
        total = self.total()
        if total > self._seen:
            step = next(iter(_steps(result)), None)
            if step is not None:
                self.of_step[step] += total - self._seen
            self._seen = total
        return result

    def total(self) -> int:
        """Multiply-adds so far."""
        return self.counter.get_total_flops() // _FLOPS_A_MULTIPLY_ADD


class _Trace:
    """Hooks that record the parts of one run."""

    def __init__(self, model: Segmenter, operations: _CountOperations) -> None:
        self.model = model
        self.operations = operations
        self.parts: list[Part] = []
        self._part_of: dict[Node, int] = {}
        self._counted: set[nn.Parameter] = set()
        self._height = 0
        self._spent: dict[Kind, int] = {}
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> "_Trace":
        self._watch(self.model.encoder, self._encoder_ran)
        for name, block in _blocks(self.model.decoder):
            self._watch(block, self._recorder("decoder", name))
        self._watch(self.model.decoder, self._decoder_ran)
        for name, head in self.model.heads.named_children():
            self._watch(head, self._recorder("head", name))
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def rest(self) -> dict[Kind, Cost]:
        """What belongs to no part, of each kind."""
        modules: dict[Kind, nn.Module] = {"encoder": self.model.encoder, "decoder": self.model.decoder}
        rest = {}
        for kind, module in modules.items():
            costs = [part.cost for part in self.parts if part.kind == kind]
            parameters = _parameters(module) - sum(cost.parameters for cost in costs)
            rest[kind] = Cost(parameters, self._spent[kind] - sum(cost.multiply_adds for cost in costs))
        return rest

    def _watch(self, module: nn.Module, ran: Callable[[nn.Module, Any, Any, int], None]) -> None:
        """Call `ran(module, inputs, outputs, multiply-adds)` after each run of a module."""
        before: list[int] = []

        def enter(*_: object) -> None:
            before.append(self.operations.total())

        def leave(module: nn.Module, args: Any, kwargs: Any, outputs: Any) -> None:  # noqa: ANN401 - as torch passes them
            ran(module, (args, kwargs), outputs, self.operations.total() - before.pop())

        self._hooks.append(module.register_forward_pre_hook(enter))
        self._hooks.append(module.register_forward_hook(leave, with_kwargs=True))

    def _encoder_ran(self, _: nn.Module, inputs: Any, levels: list[Tensor], spent: int) -> None:  # noqa: ANN401
        self._height = next(_tensors(inputs)).shape[2]
        self._spent["encoder"] = spent
        counted: set[Node] = set()
        for index, level in enumerate(levels):
            needed = set(_ancestors(_steps(level)))
            new, sources = needed - counted, (index - 1,) if needed & counted else ()
            counted |= new
            weights = [step.variable for step in new if hasattr(step, "variable")]
            cost = Cost(sum(map(Tensor.numel, weights)), sum(self.operations.of_step[step] for step in new))
            self._add("encoder", f"level {index}", level, cost, sources)

    def _decoder_ran(self, decoder: nn.Module, inputs: Any, outputs: Any, spent: int) -> None:  # noqa: ANN401
        self._spent["decoder"] = spent
        if all(part.kind != "decoder" for part in self.parts):
            self._recorder("decoder", "decoder")(decoder, inputs, outputs, spent)

    def _recorder(self, kind: Kind, name: str) -> Callable[[nn.Module, Any, Any, int], None]:
        def record(module: nn.Module, inputs: Any, outputs: Any, spent: int) -> None:  # noqa: ANN401
            maps = [tensor for tensor in _tensors(outputs) if tensor.ndim == _MAP_AXES]
            if not maps:  # of tokens or numbers; what is made of them counts as made of its inputs
                return
            self._add(kind, name, maps[-1], Cost(self._new_parameters(module), spent), self._sources(inputs))
            self._part_of.update(dict.fromkeys(_steps(outputs), len(self.parts) - 1))

        return record

    def _new_parameters(self, module: nn.Module) -> int:
        """How many parameters a block has that no block before it had: weights may be shared."""
        new = set(module.parameters()) - self._counted
        self._counted |= new
        return sum(map(Tensor.numel, new))

    def _sources(self, inputs: object) -> tuple[int, ...]:
        """The parts that the tensors come from, through whatever was done to their outputs."""
        steps = _ancestors(_steps(inputs), self._part_of)
        return tuple(sorted({self._part_of[step] for step in steps if step in self._part_of}))

    def _add(self, kind: Kind, name: str, output: Tensor, cost: Cost, sources: tuple[int, ...]) -> None:
        height, width = output.shape[2:]
        reduction = max(1, self._height // height)
        column = self._column(kind, reduction, max((self.parts[source].column for source in sources), default=0))
        part = Part(kind, name, output.shape[1], (height, width), reduction, cost, sources, column)
        self._part_of.update(dict.fromkeys(_steps(output), len(self.parts)))
        self.parts.append(part)

    def _column(self, kind: Kind, reduction: int, last_source: int) -> int:
        if kind != "decoder":
            return last_source
        taken = {part.column for part in self.parts if part.reduction == reduction}
        return next(column for column in count(last_source + 1) if column not in taken)


def _blocks(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The children of a module that have parameters; those of a list or table of modules one by one."""
    for name, child in module.named_children():
        if isinstance(child, (nn.ModuleList, nn.ModuleDict)):
            yield from _blocks(child, f"{prefix}{name}.")
        elif _parameters(child):
            yield f"{prefix}{name}", child


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _tensors(value: object) -> Iterator[Tensor]:
    """The tensors in nested sequences and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(tuple(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def _steps(value: object) -> Iterator[Node]:
    """The steps of autograd's graph that made the tensors of a nested value."""
    for tensor in _tensors(value):
        if tensor.grad_fn is not None:
            yield tensor.grad_fn


def _ancestors(steps: Iterable[Node], known: Collection[Node] = ()) -> Iterator[Node]:
    """The steps themselves and all that they need, each once; not beyond those that are known."""
    waiting, seen = list(steps), set()
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        yield step
        if step not in known:
            waiting += [before for before, _ in step.next_functions if before is not None]
