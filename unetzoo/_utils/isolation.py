"""Run a stranger's code, and keep what it raises and prints and how long it takes."""

import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from traceback import extract_tb
from typing import Any, Generic, TextIO, TypeVar, cast

from unetzoo.errors import describe_error

T = TypeVar("T")
_OURS = str(Path(__file__).parents[1])
_LONGEST = 80  # characters of what it printed


class _Output:
    """Standard output while strangers' code runs: what their threads write is kept, all else goes where it went."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._shown: TextIO = sys.stdout
        self._kept: ContextVar[TextIO | None] = ContextVar("kept", default=None)

    @contextmanager
    def kept_in(self, text: TextIO) -> Iterator[None]:
        """Keep what this thread writes in the block."""
        with self._lock:
            self._users += 1
            if sys.stdout is not self:
                self._shown, sys.stdout = sys.stdout, cast("TextIO", self)
        token = self._kept.set(text)
        try:
            yield
        finally:
            self._kept.reset(token)
            with self._lock:
                self._users -= 1
                if not self._users and sys.stdout is self:
                    sys.stdout = self._shown

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        return getattr(self._kept.get() or self._shown, name)


_OUTPUT = _Output()


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of a call.

    Attributes:
        value: what it returned; None where it raised.
        error: what it raised, in one line with the place; empty where it returned.
        printed: what it wrote on standard output, where it would spoil that of a command, in one line.
        seconds: how long it took.
    """

    value: T | None
    error: str
    printed: str
    seconds: float


def run_isolated(function: Callable[[], T]) -> Outcome[T]:
    """Call a function; an interrupt by the user is all that gets through."""
    written = io.StringIO()
    value, error = None, ""
    start = time.perf_counter()
    with _OUTPUT.kept_in(written):
        try:
            value = function()
        except (Exception, SystemExit) as problem:  # a stranger's code may raise anything
            error = f"{describe_error(problem)}{_place(problem)}"
    printed = " ".join(written.getvalue().split())
    shown = printed if len(printed) <= _LONGEST else f"{printed[:_LONGEST]}..."
    return Outcome(value, error, shown, time.perf_counter() - start)


def _place(error: BaseException) -> str:
    """The last line outside of this package that the error went through: ` (cells.py, line 3)`; empty where none is."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    frames = [frame for frame in extract_tb(error.__traceback__) if _is_foreign(frame.filename)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _is_foreign(file: str) -> bool:
    """Whether a file is neither ours nor Python's own machinery of imports and contexts."""
    library = Path(io.__file__).parent
    own = (_OURS, str(library / "importlib"), str(library / "contextlib.py"), "<frozen")
    return not file.startswith(own)
