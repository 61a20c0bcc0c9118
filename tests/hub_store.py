"""What the Hub of the tests holds: repositories with commits, large files, tokens, and the faults that are due."""

import hashlib
import itertools

from starlette.responses import JSONResponse

USERS = {"hf_alice": "alice", "hf_bob": "bob", "hf_user": "user"}
repos: dict[str, dict] = {}
lfs: dict[str, bytes] = {}
faults: dict[str, int] = {}
_count = itertools.count()


class RefusalError(Exception):
    """An answer of the Hub that is an error."""

    def __init__(self, status, code, message):
        self.response = JSONResponse(
            {"error": message}, status, {"X-Error-Code": code, "X-Error-Message": message, "X-Request-Id": "test"}
        )


def user(request):
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and token not in USERS:
        raise RefusalError(401, "InvalidToken", "Invalid credentials in Authorization header")
    return USERS.get(token)


def found(request, *, write=False):
    """The repository that is asked for, if its user may see (or change) it."""
    name, who = f"{request.path_params['owner']}/{request.path_params['name']}", user(request)
    repo = repos.get(name)
    if repo is None or (repo["private"] and who != request.path_params["owner"]):
        raise RefusalError(404 if who else 401, "RepoNotFound", "Repository not found")
    if write and who != request.path_params["owner"]:
        raise RefusalError(403 if who else 401, "Forbidden", "You don't have the rights to write here")
    return name, repo


def commit_of(repo, revision):
    commit = repo["refs"].get(revision, revision)
    if commit not in repo["commits"]:
        raise RefusalError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    return commit


def broken(kind):
    if faults.get(kind, 0) > 0:
        faults[kind] -= 1
        return True
    return False


def new_commit(repo, files):
    commit = hashlib.sha1(f"{next(_count)}".encode(), usedforsecurity=False).hexdigest()
    repo["commits"][commit] = files
    return commit


def content(entry):
    return lfs[entry["oid"]] if "oid" in entry else entry["content"]
