"""Where a network is served, and how much a client may ask for."""

from dataclasses import dataclass
from typing import Annotated

from unetzoo.checks import Range, check_fields

_MOST = 2**40


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Options of `unetzoo serve`; each is a flag.

    Attributes:
        host: Address to listen on. Any other than 127.0.0.1 lets other machines in, without a password.
        port: Port to listen on; 0: a free one.
        queue: Number of images that may wait for a device. Further ones are refused.
        max_bytes: Most bytes of a request.
        max_pixels: Most pixels of an image, also after it is resampled to the pixel size of the training.
        timeout: Seconds that an image may take to arrive, and then again to wait and be predicted.

    Raises:
        OptionError: a value is out of its range.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Range(0, 2**16 - 1)] = 8000
    queue: Annotated[int, Range(0, 10_000, "IMAGES")] = 32
    max_bytes: Annotated[int, Range(1, _MOST, "BYTES")] = 2**28
    max_pixels: Annotated[int, Range(1, _MOST, "PIXELS")] = 100_000_000
    timeout: Annotated[float, Range(0.1, 86_400, "SECONDS")] = 120

    def __post_init__(self) -> None:
        """Check the values."""
        check_fields(self)
