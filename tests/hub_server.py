"""A Hugging Face Hub on the loopback, as far as the real client needs one: repositories, commits, LFS, tokens, faults.

`python hub_server.py PORT` serves until it is killed. Tokens: `hf_alice` and `hf_bob` belong to users of those names.
`POST /_fault {"kind": ..., "times": n}` breaks the next n requests of a kind; `GET /_log` tells what was asked for.
"""

import asyncio
import base64
import hashlib
import json
import re
import sys
from fnmatch import fnmatch

import uvicorn
from hub_store import RefusalError, broken, commit_of, content, faults, found, lfs, new_commit, repos, user
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

LFS_PATTERNS = ("*.safetensors", "*.bin")
log: list[str] = []


async def create(request):
    who, body = user(request), await request.json()
    if who is None:
        raise RefusalError(401, "Unauthorized", "Log in to make a repository")
    owner = body.get("organization") or who
    if owner != who:
        raise RefusalError(403, "Forbidden", f"{who} cannot make repositories of {owner}")
    name = f"{owner}/{body['name']}"
    address = {"url": f"{request.base_url}{name}", "name": name, "id": name}
    if name in repos:
        return JSONResponse({"error": "You already created this model repo", **address}, 409)
    repos[name] = {"private": _is_private(body), "commits": {}, "refs": {}, "requests": 0}
    repos[name]["refs"]["main"] = new_commit(repos[name], {})
    return JSONResponse(address)


def _is_private(body):
    return bool(body.get("private")) or body.get("visibility") == "private"


async def delete(request):
    body = await request.json()
    repos.pop(f"{body.get('organization') or user(request)}/{body['name']}", None)
    return JSONResponse({})


async def branch(request):
    _, repo = found(request, write=True)
    if request.method == "DELETE":
        repo["refs"].pop(request.path_params["revision"])
        return JSONResponse({})
    body, ref = await request.json() if await request.body() else {}, request.path_params["revision"]
    if ref in repo["refs"]:
        raise RefusalError(409, "Conflict", "Reference already exists")
    repo["refs"][ref] = commit_of(repo, body.get("startingPoint") or "main")
    return JSONResponse({})


async def tag(request):
    _, repo = found(request, write=True)
    repo["refs"][(await request.json())["tag"]] = commit_of(repo, request.path_params["revision"])
    return JSONResponse({})


async def refs(request):
    _, repo = found(request)
    branches = [
        {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commit} for name, commit in repo["refs"].items()
    ]
    return JSONResponse({"branches": branches, "converts": [], "tags": []})


async def info(request):
    name, repo = found(request)
    if broken("slow"):
        await asyncio.sleep(2)
    if broken("info"):
        raise RefusalError(500, "Broken", "Internal error")
    commit = commit_of(repo, request.path_params.get("revision", "main"))
    siblings = [{"rfilename": path} for path in repo["commits"][commit]]
    return JSONResponse({"_id": "1", "id": name, "sha": commit, "private": repo["private"], "siblings": siblings})


async def tree(request):
    _, repo = found(request)
    files = repo["commits"][commit_of(repo, request.path_params["revision"])]
    return JSONResponse([_tree_entry(path, entry) for path, entry in files.items()])


def _tree_entry(path, entry):
    data = content(entry)
    answer = {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha256(data).hexdigest()[:40]}
    return answer | ({"lfs": {"oid": entry["oid"], "size": len(data), "pointerSize": 130}} if "oid" in entry else {})


async def preupload(request):
    found(request, write=True)
    body = await request.json()
    return JSONResponse({"files": [_mode(file["path"]) for file in body["files"]]})


def _mode(path):
    large = any(fnmatch(path, pattern) for pattern in LFS_PATTERNS)
    return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}


async def lfs_batch(request):
    body = await request.json()
    objects = []
    for item in body["objects"]:
        actions = {"upload": {"href": f"{request.base_url}_lfs/{item['oid']}"}}
        objects.append({**item, **({} if item["oid"] in lfs else {"actions": actions})})
    return JSONResponse({"transfer": "basic", "objects": objects})


async def lfs_put(request):
    data = await request.body()
    if broken("upload"):
        raise RefusalError(403, "Broken", "the storage refuses")
    if hashlib.sha256(data).hexdigest() != request.path_params["oid"]:
        raise RefusalError(400, "Hash", "another file than was announced")
    lfs[request.path_params["oid"]] = data
    return Response()


def changed(files, lines):
    files = dict(files)
    for line in lines:
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = {"content": base64.b64decode(value["content"])}
        elif line["key"] == "lfsFile":
            files[value["path"]] = {"oid": value["oid"]}
        elif line["key"] == "deletedFile":
            files.pop(value["path"], None)
    return files


async def commit(request):
    name, repo = found(request, write=True)
    lines = [json.loads(line) for line in (await request.body()).splitlines() if line.strip()]
    revision = request.path_params["revision"]
    parent = commit_of(repo, revision)
    if broken("race"):
        parent = repo["refs"][revision] = new_commit(repo, repo["commits"][parent])
    header = next(line["value"] for line in lines if line["key"] == "header")
    if header.get("parentCommit", parent) != parent:
        raise RefusalError(412, "PreconditionFailed", "A commit has happened since. Please refresh and try again.")
    if broken("commit"):
        raise RefusalError(403, "Broken", "the commit is refused")
    commit_ = new_commit(repo, changed(repo["commits"][parent], lines))
    answer = {"success": True, "commitOid": commit_, "commitUrl": f"{request.base_url}{name}/commit/{commit_}"}
    if request.query_params.get("create_pr") == "1":
        repo["requests"] += 1
        number = repo["requests"]
        repo["refs"][f"refs/pr/{number}"] = commit_
        return JSONResponse(answer | {"pullRequestUrl": f"{request.base_url}{name}/discussions/{number}"})
    repo["refs"][revision] = commit_
    return JSONResponse(answer)


async def resolve(request):
    _, repo = found(request)
    found_commit = commit_of(repo, request.path_params["revision"])
    path = request.path_params["path"]
    entry = repo["commits"][found_commit].get(path)
    if entry is None:
        raise RefusalError(404, "EntryNotFound", "Entry not found")
    data = content(entry)
    etag = entry.get("oid") or hashlib.sha1(data, usedforsecurity=False).hexdigest()
    headers = {"X-Repo-Commit": found_commit, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
    if "oid" in entry:
        headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data))}
    if request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(len(data))})
    return _sent(data, headers, request) if "oid" in entry else Response(data, headers=headers)


def _sent(data, headers, request):
    """The bytes that are asked for, unless a fault is due."""
    if broken("unavailable"):
        raise RefusalError(500, "Broken", "Internal error")
    match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
    start = int(match[1]) if match else 0
    end = start + (len(data) - start) // 2 if broken("drop") else len(data)
    log.append(f"{start} to {end} of {len(data)}")
    headers |= {"Content-Length": str(len(data) - start)}
    if match:
        headers |= {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}

    async def stream():
        yield data[start:end]
        if end < len(data):
            raise ConnectionError("dropped on purpose")

    return StreamingResponse(stream(), 206 if match else 200, headers)


async def search(request):
    text, tag = request.query_params.get("search", ""), request.query_params.get("filter", "")
    names = [name for name, repo in repos.items() if text in name and not repo["private"] and _has_tag(repo, tag)]
    return JSONResponse(
        [{"_id": "1", "id": name, "downloads": 3, "likes": 1, "tags": [tag], "private": False} for name in names]
    )


def _has_tag(repo, tag):
    card = repo["commits"][repo["refs"]["main"]].get("README.md")
    return card is not None and f"- {tag}\n" in card["content"].decode()


async def validate(_):
    return JSONResponse({"errors": [], "warnings": []})


async def set_fault(request):
    body = await request.json()
    faults[body["kind"]] = body["times"]
    return JSONResponse({})


async def show_log(_):
    return JSONResponse(log)


async def refused(_, error):
    return error.response


_REPO = "/api/models/{owner}/{name}"
app = Starlette(
    routes=[
        Route("/_fault", set_fault, methods=["POST"]),
        Route("/_log", show_log),
        Route("/_lfs/{oid}", lfs_put, methods=["PUT"]),
        Route("/api/validate-yaml", validate, methods=["POST"]),
        Route("/api/repos/create", create, methods=["POST"]),
        Route("/api/repos/delete", delete, methods=["DELETE"]),
        Route("/api/models", search),
        Route(_REPO, info),
        Route(_REPO + "/branch/{revision:path}", branch, methods=["POST", "DELETE"]),
        Route(_REPO + "/refs", refs),
        Route(_REPO + "/tag/{revision:path}", tag, methods=["POST"]),
        Route(_REPO + "/revision/{revision:path}", info),
        Route(_REPO + "/tree/{revision:path}", tree),
        Route(_REPO + "/preupload/{revision:path}", preupload, methods=["POST"]),
        Route(_REPO + "/commit/{revision:path}", commit, methods=["POST"]),
        Route("/{owner}/{name}.git/info/lfs/objects/batch", lfs_batch, methods=["POST"]),
        Route("/{owner}/{name}/resolve/{revision}/{path:path}", resolve),
    ],
    exception_handlers={RefusalError: refused},
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
