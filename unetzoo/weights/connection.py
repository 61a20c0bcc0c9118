"""The connection to the Hub: its errors as one line, and a second try."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from time import sleep

from unetzoo.errors import HubError, UnetzooError

_PAUSES = (1.0, 2.0)  # seconds


def patiently(fetch: Callable[[], Path]) -> Path:
    """Try again, after a second and after two, when the Hub itself has a problem; what is there already is kept."""
    from huggingface_hub.errors import HfHubHTTPError

    for pause in _PAUSES:
        try:
            return fetch()
        except HfHubHTTPError as error:
            if error.response is None or error.response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            sleep(pause)
    return fetch()


@contextmanager
def one_error(problem: str) -> Iterator[None]:
    """Turn what the client raises into one `HubError` of one line."""
    from huggingface_hub import errors

    try:
        yield
    except UnetzooError:
        raise
    except (_transport_error(), errors.HFValidationError, OSError, RuntimeError) as error:
        raise HubError(f"{problem}: {_reason(error)}") from error


def _transport_error() -> type[Exception]:
    """The parent of all errors of the client's connections (httpx's; which copy of it depends on the client)."""
    from huggingface_hub import errors

    found: type[Exception] = vars(errors)["HTTPError"]
    return found


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = getattr(error, "server_message", None)
    return said or " ".join(lines[:2]) or type(error).__name__
