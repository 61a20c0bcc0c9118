"""Receive an image, within limits of bytes and time."""

import asyncio
from contextlib import suppress
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from unetzoo.serving.refusals import CLIENT_LEFT, RefusalError

_CHUNK = 2**20  # bytes
_LINGER = 2.0  # seconds; who is refused while it sends would otherwise see a broken connection, not the reason
_MOST_FIELDS = 16


class Body:
    """The body of a request, whose bytes are counted.

    Args:
        receive: of the request.
        most: bytes.
    """

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most = receive, most
        self._size = 0
        self._has_ended = False

    async def receive(self) -> Message:
        """The next part; raises RefusalError if there are too many bytes."""
        message = await self._next()
        if self._size > self._most:
            raise too_large(self._most)
        return message

    async def discard(self) -> None:
        """Read what is left for a moment, so that the client gets to read its answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while not self._has_ended:
                    await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self._has_ended = not message.get("more_body", False)
        return message


def too_large(most: int) -> RefusalError:
    """The refusal of a request of too many bytes."""
    return RefusalError(413, f"the request has more than the {most:,} bytes that this server takes (--max-bytes)")


async def save(request: Request, path: Path, seconds: float) -> None:
    """Write the image of a request into a file: the whole body, or the only file of a form.

    Raises:
        RefusalError: it is too large, too slow, empty or torn.
    """
    try:
        async with asyncio.timeout(seconds):
            await (_save_part if _is_form(request) else _save_body)(request, path)
    except TimeoutError as error:
        raise RefusalError(408, f"the image did not arrive within {seconds:g} seconds (--timeout)") from error
    except ClientDisconnect as error:
        raise RefusalError(CLIENT_LEFT, "the client left while it sent the image") from error
    if not path.stat().st_size:
        raise RefusalError(400, "the request has no image: send the bytes of one as its body, or as a file of a form")


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def _save_body(request: Request, path: Path) -> None:
    with path.open("wb") as file:
        async for chunk in request.stream():
            file.write(chunk)


async def _save_part(request: Request, path: Path) -> None:
    try:
        async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
            upload = next((value for value in form.values() if isinstance(value, UploadFile)), None)
            with path.open("wb") as file:
                while upload is not None and (chunk := await upload.read(_CHUNK)):
                    file.write(chunk)
    except HTTPException as error:
        raise RefusalError(400, f"the form cannot be read: {error.detail}") from error
