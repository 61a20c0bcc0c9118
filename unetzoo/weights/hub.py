"""Push networks to the Hugging Face Hub, pull them, and search for them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from unetzoo._utils.connection import one_error, patiently
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.weights.confined import open_inside
from unetzoo.weights.files import CARD, CHECKPOINT, CONFIG, INDEX, PICTURE, WEIGHTS
from unetzoo.weights.folder import is_own_card, load, network_folder, write
from unetzoo.weights.rebuilt import check_rebuilt
from unetzoo.weights.transaction import current

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_FILES = [CONFIG, CARD, INDEX, "model*.safetensors", CHECKPOINT]
_STALE = [INDEX, WEIGHTS, "model-*.safetensors"]
_TAG = "unetzoo"


@dataclass(frozen=True)
class SearchResult:
    """A network on the Hub.

    Attributes:
        name: `"user/name"`.
        downloads: downloads in the last 30 days.
        likes: number of likes.
        tags: tags of its card.
    """

    name: str
    downloads: int
    likes: int
    tags: tuple[str, ...]


def push(
    model: Segmenter | str | Path,
    repo_id: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    commit_message: str | None = None,
    token: str | bool | None = None,
    create_pr: bool = False,
    picture: str | Path | None = None,
) -> str:
    """Upload a network in one commit; a new repository is created if needed.

    A card that was edited by hand, in the folder or on the Hub, is kept. If the upload fails, the repository stays as
    it was, apart from concurrent pushes of others.

    Args:
        model: a network, or the folder of a saved network or of a run.
        repo_id: `"user/name"`.
        private: make a new repository private; None: the account's default.
        revision: the branch, created if needed; None: the main branch.
        commit_message: None: the names of decoder and encoder.
        token: of an account; None: that of the login.
        create_pr: open a pull request instead of committing.
        picture: a picture of a prediction for the card; None: that of the folder, if any.

    Returns:
        The URL of the commit or of the pull request.

    Raises:
        HubError: the Hub cannot be reached, refuses, or receives another push at the same time.
        OptionError: the picture cannot be read, or `save` refuses the network.
        ConfigError, UnknownNameError, WeightsError: as `load`, for a folder.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=token, library_name=_TAG)
    with TemporaryDirectory() as folder:
        draft = Path(folder)
        title = _write_draft(model, draft, repo_id, picture)
        with one_error(f"cannot push to {repo_id!r}"), _undone_on_failure(api, repo_id, private) as branches:
            if revision is not None and not create_pr and revision not in _heads(api, repo_id):
                api.create_branch(repo_id, branch=revision)
                branches[revision] = _heads(api, repo_id)[revision]
            parent = api.repo_info(repo_id, revision=None if create_pr else revision).sha
            stale = _STALE
            if is_own_card(draft):
                if _has_own_card(api.token, repo_id, parent):
                    stale = [*_STALE, PICTURE]
                else:
                    (draft / CARD).unlink()
            commit = api.upload_folder(
                repo_id=repo_id,
                folder_path=draft,
                revision=revision,
                commit_message=commit_message or title,
                create_pr=create_pr,
                delete_patterns=stale,
                parent_commit=parent,
            )
            return commit.pr_url or commit.commit_url


def _write_draft(model: Segmenter | str | Path, draft: Path, repo_id: str, picture: str | Path | None) -> str:
    """Save a network, or a copy of its folder, in the draft; the default message of the commit."""
    if not isinstance(model, str | Path):
        network = segmenter_of(model, "pushed")
        check_rebuilt(network)
        write(network, draft, repo_id=repo_id, picture=picture)
        return _title(network)
    folder = network_folder(Path(model))
    loaded = load(folder)
    if picture is None and os.path.lexists(current(folder, PICTURE)):
        picture = current(folder, PICTURE)
        open_inside(folder, PICTURE).close()  # refuses a link, which would publish a file from elsewhere
    write(loaded, draft, repo_id=repo_id, picture=picture)
    if not is_own_card(folder):
        with open_inside(folder, CARD) as card, (draft / CARD).open("wb") as copy:
            copyfileobj(card, copy)
    return _title(loaded)


def _title(model: Segmenter) -> str:
    return f"{model.config.decoder} with {model.config.encoder}"


@contextmanager
def _undone_on_failure(api: "HfApi", repo_id: str, private: bool | None) -> Iterator[dict[str, str]]:
    """Create the repository if needed; if the block fails, remove it again, or the new branches.

    The block records each new branch with its first commit. Whatever others have pushed to meanwhile stays.
    """
    is_new = _is_created(api, repo_id, private)
    start = _heads(api, repo_id) if is_new else {}
    branches: dict[str, str] = {}
    try:
        yield branches
    except BaseException:
        if not is_new:
            for branch in branches.items() & _heads(api, repo_id).items():
                api.delete_branch(repo_id, branch=branch[0])
        elif (start | branches).items() >= _heads(api, repo_id).items():
            api.delete_repo(repo_id, missing_ok=True)
        raise


def _is_created(api: "HfApi", repo_id: str, private: bool | None) -> bool:
    """Create the repository; False if it exists, even if it was created a moment ago."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api.create_repo(repo_id, private=private)
    except HfHubHTTPError:
        if not api.repo_exists(repo_id):
            raise
        return False
    return True


def _heads(api: "HfApi", repo_id: str) -> dict[str, str]:
    """The newest commit of each branch."""
    return {branch.name: branch.target_commit for branch in api.list_repo_refs(repo_id).branches}


def pull(
    repo_id: str,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Segmenter:
    """Download a network, or take it from the cache, and load it; a second pull works offline.

    Args:
        repo_id: `"user/name"`.
        revision: a branch, a tag or a commit; None: the main branch. `model.config.info.source` records the commit.
        token: for private repositories; None: that of the login.
        cache_dir: folder of the downloads; None: the Hub's default.
        local_files_only: do not connect.
        force_download: download again even if the files are in the cache.

    Raises:
        HubError: there is no such repository or revision, or the Hub cannot be reached or refuses.
        ConfigError, UnknownNameError, WeightsError: as `load`.
    """
    from huggingface_hub import snapshot_download

    def fetch() -> Path:
        folder = snapshot_download(
            repo_id,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
            allow_patterns=_FILES,
            library_name=_TAG,
        )
        return Path(folder)

    with one_error(f"cannot pull {repo_id!r}{f' at {revision!r}' if revision else ''}"):
        folder = patiently(fetch)
    model = load(folder)
    source = f"{repo_id}@{folder.name}"
    model.config = replace(model.config, info=replace(model.config.info, source=source))
    return model


def search(text: str = "", *, limit: int = 20, token: str | bool | None = None) -> list[SearchResult]:
    """Networks on the Hub that unetzoo saved, those with most downloads first.

    Args:
        text: part of their names; empty: all.
        limit: the largest number of results.
        token: as in `pull`.

    Raises:
        HubError: as `pull`.
    """
    from huggingface_hub import HfApi

    with one_error("cannot search the Hub"):
        models = HfApi(token=token, library_name=_TAG).list_models(
            filter=_TAG, search=text or None, limit=limit, sort="downloads"
        )
        return [SearchResult(repo.id, repo.downloads or 0, repo.likes or 0, tuple(repo.tags or ())) for repo in models]


def _has_own_card(token: str | bool | None, repo_id: str, revision: str | None) -> bool:
    """Whether the card on the Hub is missing, or was not edited by hand."""
    from huggingface_hub import snapshot_download

    with TemporaryDirectory() as folder:
        snapshot_download(
            repo_id, revision=revision, token=token, local_dir=folder, allow_patterns=[CARD, CONFIG], library_name=_TAG
        )
        return is_own_card(Path(folder))
