"""Read the pickle of a state_dict with the few operations that it needs, none of which calls a function of the file."""

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_MAPPING, _TENSOR, _PARAMETER = (
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
)
_GLOBALS: Mapping[str, object] = {
    **{f"torch {name}": dtype for name, dtype in _STORAGES.items()},
    **{name: name for name in (_MAPPING, _TENSOR, _PARAMETER)},
}
_MOST_AXES = 16


@dataclass(frozen=True)
class Layout:
    """The storage of a tensor, its offset in it, and its shape and strides, in items."""

    storage: str
    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def state_of(pickle: bytes) -> dict[str, Layout]:
    """The tensors of a state_dict, by name.

    Raises:
        ValueError, LookupError, TypeError: the pickle is damaged, or holds anything else.
    """
    machine = _Machine()
    for operation, argument, _ in pickletools.genops(pickle):
        if operation.name not in _OPERATIONS:
            raise ValueError(f"it has the operation {operation.name}")
        _OPERATIONS[operation.name](machine, argument)
    state = machine.stack.pop()
    if not isinstance(state, dict) or not all(isinstance(value, Layout) for value in state.values()):
        raise ValueError("it is not a mapping of names to tensors")
    return state


class _Machine:
    """The stack, the marks and the memo of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memory: dict[int, Any] = {}

    def push(self, value: object) -> None:
        self.stack.append(value)

    def name(self, name: str) -> None:
        if name not in _GLOBALS:
            raise ValueError(f"it asks for {name[:80]!r}")
        self.push(_GLOBALS[name])

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def last(self, count: int) -> tuple[Any, ...]:
        if len(self.stack) < count:
            raise ValueError("it ends within a value")
        values = tuple(self.stack[-count:])
        del self.stack[-count:]
        return values

    def set_items(self, items: list[Any]) -> None:
        target, keys = self.stack[-1], items[::2]
        if not isinstance(target, dict) or not all(isinstance(key, str) for key in keys):
            raise ValueError("it holds a mapping whose keys are not names")
        target.update(zip(keys, items[1::2], strict=True))

    def call(self) -> None:
        function, arguments = self.last(2)
        if function is _MAPPING and arguments == ():
            self.push({})
        elif function is _TENSOR:
            self.push(_layout(*arguments[:4]))
        elif function is _PARAMETER:
            self.push(arguments[0])
        else:
            raise ValueError("it calls something")

    def storage(self) -> None:
        ((kind, dtype, key, _, _),) = self.last(1)
        if kind != "storage" or not isinstance(dtype, torch.dtype) or not isinstance(key, str):
            raise ValueError("it refers to something that is not a storage")
        self.push((key, dtype))


def _layout(storage: tuple[str, torch.dtype], offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> Layout:
    key, dtype = storage
    if not len(shape) == len(stride) <= _MOST_AXES:
        raise ValueError("a shape has too many axes, or not as many as it has strides")
    numbers = (offset, *shape, *stride)
    if not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
        raise ValueError("a shape is not a list of whole numbers")
    return Layout(key, dtype, offset, tuple(shape), tuple(stride))


def _ignore(_: _Machine, __: object) -> None:
    return


def _put(machine: _Machine, index: int) -> None:
    machine.memory[index] = machine.stack[-1]


_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _ignore,
    "STOP": _ignore,
    "GLOBAL": _Machine.name,
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "BINGET": lambda machine, index: machine.push(machine.memory[index]),
    "LONG_BINGET": lambda machine, index: machine.push(machine.memory[index]),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "BINFLOAT"), _Machine.push),
    "TUPLE1": lambda machine, _: machine.push(machine.last(1)),
    "TUPLE2": lambda machine, _: machine.push(machine.last(2)),
    "TUPLE3": lambda machine, _: machine.push(machine.last(3)),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "SETITEM": lambda machine, _: machine.set_items(list(machine.last(2))),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "REDUCE": lambda machine, _: machine.call(),
    "BINPERSID": lambda machine, _: machine.storage(),
    "BUILD": lambda machine, _: _ignore(machine, machine.last(1)),  # the versions of modules, which are not used
}
