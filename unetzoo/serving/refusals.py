"""A request that is not answered with a result."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import JSONResponse

CLIENT_LEFT = 499
"""The status, in metrics alone, of a request whose client left before the answer."""


class RefusalError(Exception):
    """Why a request is refused.

    Args:
        status: of HTTP.
        reason: for the client.
        headers: of the answer.
    """

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(reason)
        self.status, self.headers = status, dict(headers)

    def response(self) -> JSONResponse:
        """The answer: an object of JSON with the reason."""
        return JSONResponse({"error": str(self)}, self.status, self.headers)
