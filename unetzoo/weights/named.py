"""A network by the name of its folder, or of its repository on the Hub."""

from pathlib import Path

from unetzoo.errors import HubError
from unetzoo.nn.segmenter import Segmenter
from unetzoo.weights.folder import load
from unetzoo.weights.hub import pull


def load_named(name: str) -> Segmenter:
    """The network in a folder (the best one of a run), or of `user/name` or `user/name@revision` on the Hub.

    Raises:
        OptionError: there is no such folder, and it is not such a name.
        HubError: the Hub has no such repository, or cannot be reached.
        ConfigError, UnknownNameError, WeightsError: as `unetzoo.load`.
    """
    if Path(name).exists() or name.count("/") != 1:
        return load(name)
    repository, _, revision = name.partition("@")
    try:
        return pull(repository, revision=revision or None)
    except HubError as error:
        raise HubError(f"there is no folder {name!r}, and {error}") from error
