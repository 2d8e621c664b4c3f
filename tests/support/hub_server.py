"""A server for tests that behaves like the Hugging Face Hub, in memory and on this machine only.

It answers the requests by which huggingface_hub and datasets create repositories, upload, tag, list
and download, and fails on demand (`hub_faults.Fault`). A new process uses it if it is started with
the variables of `environment`. The client reads them when it is imported, so a process that has
imported it before cannot be redirected.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from threading import Lock, Thread
from urllib.parse import unquote, urlsplit

from tests.support.hub_faults import Fault

TOKEN = "hf_stand_in"
FIRST = "0" * 40  # the commit of a new repository, without files
LARGE = (".safetensors", ".parquet", ".jpg", ".png", ".webp")  # stored as LFS files

API = r"/api/(?P<kind>model|dataset|space)s/(?P<repo>[^/]+/[^/]+)"
REPO = r"/(?P<kind>(datasets|spaces)/)?(?P<repo>[^/]+/[^/]+)"
REVISION = r"(?P<revision>[^/]+)"
ROUTES = {
    "create_repo": r"POST /api/repos/create",
    "validate_yaml": r"POST /api/validate-yaml",
    "lfs_upload": r"PUT /lfs/(?P<oid>[0-9a-f]{64})",
    "preupload": rf"POST {API}/preupload/{REVISION}",
    "lfs_batch": rf"POST {REPO}\.git/info/lfs/objects/batch",
    "commit": rf"POST {API}/commit/{REVISION}",
    "tag": rf"POST {API}/tag/{REVISION}",
    "refs": rf"GET {API}/refs",
    "variables": rf"(GET|POST) {API}/variables",
    "info": rf"GET {API}(/revision/{REVISION})?",
    "tree": rf"GET {API}/tree/{REVISION}(/(?P<folder>.+))?",
    "paths_info": rf"POST {API}/paths-info/{REVISION}",
    "resolve": rf"(GET|HEAD) {REPO}/resolve/{REVISION}/(?P<path>.+)",
}


@dataclass
class Repository:
    """A repository: every commit has all files, and ``main`` is the newest commit."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=lambda: {FIRST: {}})
    tags: dict[str, str] = field(default_factory=dict)  # name → commit
    variables: dict[str, str] = field(default_factory=dict)  # only Spaces have them
    private: bool = False

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[self.head]


class HubServer(ThreadingHTTPServer):
    """The server and all that it stores.

    Attributes:
        url: address of the server.
        repositories: each by ``kind/owner/name``.
        large_files: uploaded LFS files by their SHA-256.
        gated: ``owner/name`` of repositories whose files are refused to everybody, as the Hub does
            while a user has not accepted the terms of a repository.
        requests: ``"METHOD /path"`` of all requests, in order.
        ranges: the byte ranges that were asked for.
        unexpected: requests for which there is no route.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.repositories: dict[str, Repository] = {}
        self.large_files: dict[str, bytes] = {}
        self.gated: set[str] = set()
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.unexpected: list[str] = []
        self._faults: list[tuple[str, Fault]] = []
        self._lock = Lock()

    def environment(self, home: Path, token: str = TOKEN) -> dict[str, str]:
        """Variables with which a new process uses this server and keeps its cache in ``home``."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def fail(self, request: str, fault: Fault, times: int = 1) -> None:
        """Answers the next ``times`` requests that match a regular expression with a fault."""
        self._faults += [(request, fault)] * times

    def fault_for(self, request: str) -> Fault | None:
        """Removes and returns the first fault that is meant for this request, if there is one."""
        with self._lock:
            for waiting in self._faults:
                if re.fullmatch(waiting[0], request):
                    self._faults.remove(waiting)
                    return waiting[1]
        return None


@contextmanager
def running_hub() -> Iterator[HubServer]:
    """Runs a server on a free port until the ``with`` block ends."""
    server = HubServer()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Refusal(Exception):
    """An HTTP error, with the headers by which the client recognises its reason."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def _not_found(code: str) -> _Refusal:
    return _Refusal(404, X_Error_Code=code)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, *args: object) -> None:
        pass

    def answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = f"{self.command} {unquote(urlsplit(self.path).path)}"
        self.server.requests.append(request)
        self.fault = self.server.fault_for(request)
        for name, pattern in ROUTES.items():
            if match := re.fullmatch(pattern, request):
                try:
                    self.admit(name)
                    if self.fault and self.fault.status:
                        raise _Refusal(self.fault.status, **self.fault.headers)
                    getattr(self, name)(**match.groupdict())
                except _Refusal as refusal:
                    self.send({"error": "refused"}, refusal.status, refusal.headers)
                return
        self.server.unexpected.append(request)
        self.send({"error": "no such route"}, status=501)

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def admit(self, route: str) -> None:
        """Refuses wrong tokens, and writing without a token; reading needs none."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        reading = self.command in ("GET", "HEAD") or route in ("paths_info", "lfs_upload")
        if token != TOKEN and (token or not reading):
            message = "Invalid credentials in Authorization header"
            raise _Refusal(401, X_Error_Message=message)

    def send(self, content: object, status: int = 200, headers: dict | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fault:
            self.fault.write(body, self.wfile)
            self.close_connection = self.fault.cut
        else:
            self.wfile.write(body)

    def repository(self, kind: str | None, repo: str) -> Repository:
        kind = (kind or "model").rstrip("s/")
        if f"{kind}/{repo}" not in self.server.repositories:
            raise _not_found("RepoNotFound")
        return self.server.repositories[f"{kind}/{repo}"]

    def find(
        self, kind: str | None, repo: str, revision: str | None
    ) -> tuple[str, dict[str, bytes]]:
        """The commit that a revision names, and its files."""
        repository = self.repository(kind, repo)
        if revision in (None, "main"):
            revision = repository.head
        revision = repository.tags.get(revision, revision)
        if revision not in repository.commits:
            raise _not_found("RevisionNotFound")
        return revision, repository.commits[revision]

    def create_repo(self) -> None:
        asked = json.loads(self.body)
        repo = f"{asked['organization']}/{asked['name']}"
        key = f"{asked.get('type', 'model')}/{repo}"
        exists = key in self.server.repositories
        private = asked.get("visibility") == "private"
        self.server.repositories.setdefault(key, Repository(private=private))
        self.send({"url": f"{self.server.url}/{repo}"}, status=409 if exists else 200)

    def validate_yaml(self) -> None:
        self.send({"errors": [], "warnings": []})

    def preupload(self, kind: str, repo: str, revision: str) -> None:
        _, files = self.find(kind, repo, revision)
        asked = [file["path"] for file in json.loads(self.body)["files"]]
        answers = [
            {
                "path": path,
                "uploadMode": "lfs" if path.endswith(LARGE) else "regular",
                "shouldIgnore": False,
                "oid": _etag(path, files[path]) if path in files else None,
            }
            for path in asked
        ]
        self.send({"files": answers})

    def lfs_batch(self, kind: str | None, repo: str) -> None:
        self.repository(kind, repo)
        files = json.loads(self.body)["objects"]
        for file in files:
            if file["oid"] not in self.server.large_files:
                file["actions"] = {"upload": {"href": f"{self.server.url}/lfs/{file['oid']}"}}
        self.send({"transfer": "basic", "objects": files})

    def lfs_upload(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise _Refusal(400)
        self.server.large_files[oid] = self.body
        self.send({})

    def commit(self, kind: str, repo: str, revision: str) -> None:
        parent, files = self.find(kind, repo, revision)
        files = dict(files)
        for line in self.body.splitlines():
            change = json.loads(line)
            value = change["value"]
            if change["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif change["key"] == "lfsFile":
                files[value["path"]] = self.server.large_files[value["oid"]]
        commit = hashlib.sha1(parent.encode() + self.body).hexdigest()
        self.repository(kind, repo).commits[commit] = files
        self.send({"commitUrl": f"{self.server.url}/{repo}/commit/{commit}", "commitOid": commit})

    def tag(self, kind: str, repo: str, revision: str) -> None:
        commit, _ = self.find(kind, repo, revision)
        tags, name = self.repository(kind, repo).tags, json.loads(self.body)["tag"]
        if name in tags:
            raise _Refusal(409)
        tags[name] = commit
        self.send({})

    def refs(self, kind: str, repo: str) -> None:
        repository = self.repository(kind, repo)
        tags = [
            {"name": name, "ref": f"refs/tags/{name}", "targetCommit": commit}
            for name, commit in repository.tags.items()
        ]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head}
        self.send({"branches": [main], "converts": [], "tags": tags})

    def variables(self, kind: str, repo: str) -> None:
        variables = self.repository(kind, repo).variables
        if self.command == "POST":
            asked = json.loads(self.body)
            variables[asked["key"]] = asked["value"]
        self.send({name: {"value": value} for name, value in variables.items()})

    def info(self, kind: str, repo: str, revision: str | None) -> None:
        commit, files = self.find(kind, repo, revision)
        siblings = [{"rfilename": path} for path in files]
        self.send({"id": repo, "sha": commit, "siblings": siblings, "tags": [], "downloads": 0})

    def tree(self, kind: str, repo: str, revision: str, folder: str | None) -> None:
        _, files = self.find(kind, repo, revision)
        inside = [path for path in files if not folder or path.startswith(f"{folder}/")]
        if folder and not inside:
            raise _not_found("EntryNotFound")
        listed = [_describe(path, files[path]) for path in inside]
        folders = {str(parent) for path in inside for parent in PurePosixPath(path).parents}
        listed += [
            {"type": "directory", "path": path, "oid": FIRST}
            for path in sorted(folders - {".", folder})
            if not folder or path.startswith(f"{folder}/")
        ]
        if "recursive=true" not in self.path.lower():
            base = PurePosixPath(folder or ".")
            listed = [entry for entry in listed if PurePosixPath(entry["path"]).parent == base]
        self.send(listed)

    def paths_info(self, kind: str, repo: str, revision: str) -> None:
        _, files = self.find(kind, repo, revision)
        asked = json.loads(self.body)["paths"]
        self.send([_describe(path, files[path]) for path in asked if path in files])

    def resolve(self, kind: str | None, repo: str, revision: str, path: str) -> None:
        commit, files = self.find(kind, repo, revision)
        if repo in self.server.gated:
            raise _Refusal(403, X_Error_Code="GatedRepo")
        if path not in files:
            raise _not_found("EntryNotFound")
        content = files[path]
        headers = {
            "ETag": f'"{_etag(path, content)}"',
            "X-Repo-Commit": commit,
            "Accept-Ranges": "bytes",
        }
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            self.send(content, headers=headers)
            return
        self.server.ranges.append(wanted.group())
        first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self.send(content[first : last + 1], 206, headers)


def _describe(path: str, content: bytes) -> dict:
    """The entry of a file in listings."""
    known = {"type": "file", "path": path, "size": len(content), "oid": _git_oid(content)}
    if path.endswith(LARGE):
        known["lfs"] = {"oid": _etag(path, content), "size": len(content), "pointerSize": 134}
    return known


def _etag(path: str, content: bytes) -> str:
    """The identifier of a file's content: SHA-256 for LFS files, the Git object id for others."""
    return hashlib.sha256(content).hexdigest() if path.endswith(LARGE) else _git_oid(content)


def _git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
