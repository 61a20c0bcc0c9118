"""The connection to the Hub: its errors as one line, and a second try."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from time import sleep

from unetzoo.errors import HubError, UnetzooError

_PAUSES = (1.0, 2.0)  # seconds
_ANSWER = 3.0  # seconds


def check_at_hand(repo_id: str, files: Sequence[str]) -> None:
    """Raise HubError, within seconds, where a file of the Hub is neither in the cache nor to be had.

    The client itself would try again and again for a minute.

    Args:
        repo_id: `"user/name"`, perhaps with a revision behind an `@`.
        files: names in it, of which one suffices.
    """
    from huggingface_hub import constants, get_session, try_to_load_from_cache

    name, _, revision = repo_id.partition("@")
    if any(isinstance(try_to_load_from_cache(name, file, revision=revision or None), str) for file in files):
        return
    with one_error(f"cannot reach the Hub at {constants.ENDPOINT}"):
        get_session().head(constants.ENDPOINT, timeout=_ANSWER)


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
