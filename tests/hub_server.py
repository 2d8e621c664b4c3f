"""A Hub for tests: models only, in memory, on the loopback interface, standard library only.

It answers what huggingface_hub asks to create a repository, upload a folder, list a revision and
download its files. Point a fresh process at it with `environment`; the client reads its variables
when it is imported, so a process that has already imported it cannot be redirected.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

REPO = r"(?P<repo>[^/]+/[^/]+)"
REVISION = r"(?P<revision>[^/]+)"
ROUTES = {
    "create_repo": r"POST /api/repos/create",
    "preupload": rf"POST /api/models/{REPO}/preupload/{REVISION}",
    "lfs_batch": rf"POST /{REPO}\.git/info/lfs/objects/batch",
    "lfs_upload": r"PUT /lfs/(?P<oid>[0-9a-f]{64})",
    "commit": rf"POST /api/models/{REPO}/commit/{REVISION}",
    "info": rf"GET /api/models/{REPO}(/revision/{REVISION})?",
    "tree": rf"GET /api/models/{REPO}/tree/{REVISION}",
    "resolve": rf"(GET|HEAD) /{REPO}/resolve/{REVISION}/(?P<path>.+)",
}


class HubServer(ThreadingHTTPServer):
    """In-memory repositories: every commit is a whole tree, ``main`` its newest.

    ``requests`` logs ``"METHOD /path"`` of everything asked, in order, and ``unexpected`` those of
    them that it has no answer for.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.commits: dict[str, dict[str, dict[str, bytes]]] = {}  # repo → commit → path → content
        self.large_files: dict[str, bytes] = {}  # SHA-256 → content
        self.requests: list[str] = []
        self.unexpected: list[str] = []

    def environment(self, home: Path) -> dict[str, str]:
        """Variables that make a new process use this Hub and keep its cache under ``home``."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_TOKEN": "hf_stand_in",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def head(self, repo: str) -> str:
        """The newest commit of a repository."""
        return list(self.commits[repo])[-1]


@contextmanager
def running_hub() -> Iterator[HubServer]:
    """A Hub that answers on a free port until the block ends."""
    server = HubServer()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _NotFound(Exception):
    """Carries the Hub's error code for a 404."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, *args: object) -> None:
        pass

    def answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = f"{self.command} {unquote(urlsplit(self.path).path)}"
        self.server.requests.append(request)
        for name, pattern in ROUTES.items():
            if match := re.fullmatch(pattern, request):
                try:
                    getattr(self, name)(**match.groupdict())
                except _NotFound as error:
                    self.send({"error": str(error)}, status=404, headers={"X-Error-Code": error})
                return
        self.server.unexpected.append(request)
        self.send({"error": "no such route"}, status=501)

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def send(self, content: object, status: int = 200, headers: dict | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def find(self, repo: str, revision: str | None) -> tuple[str, dict[str, bytes]]:
        """The commit that a revision names, and its files."""
        if repo not in self.server.commits:
            raise _NotFound("RepoNotFound")
        if revision in (None, "main"):
            revision = self.server.head(repo)
        if revision not in self.server.commits[repo]:
            raise _NotFound("RevisionNotFound")
        return revision, self.server.commits[repo][revision]

    def create_repo(self) -> None:
        asked = json.loads(self.body)
        repo = f"{asked['organization']}/{asked['name']}"
        exists = repo in self.server.commits
        self.server.commits.setdefault(repo, {"0" * 40: {}})
        self.send({"url": f"{self.server.url}/{repo}"}, status=409 if exists else 200)

    def preupload(self, repo: str, revision: str) -> None:
        _, files = self.find(repo, revision)
        self.send(
            {
                "files": [
                    {
                        "path": file["path"],
                        "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                        "shouldIgnore": False,
                        "oid": _oid(files[file["path"]]) if file["path"] in files else None,
                    }
                    for file in json.loads(self.body)["files"]
                ]
            }
        )

    def lfs_batch(self, repo: str) -> None:
        files = json.loads(self.body)["objects"]
        for file in files:
            file["actions"] = {"upload": {"href": f"{self.server.url}/lfs/{file['oid']}"}}
        self.send({"transfer": "basic", "objects": files})

    def lfs_upload(self, oid: str) -> None:
        self.server.large_files[oid] = self.body
        self.send({})

    def commit(self, repo: str, revision: str) -> None:
        parent, files = self.find(repo, revision)
        files = dict(files)
        for line in self.body.splitlines():
            change = json.loads(line)
            value = change["value"]
            if change["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif change["key"] == "lfsFile":
                files[value["path"]] = self.server.large_files[value["oid"]]
        commit = hashlib.sha1(parent.encode() + self.body).hexdigest()
        self.server.commits[repo][commit] = files
        self.send({"commitUrl": f"{self.server.url}/{repo}/commit/{commit}", "commitOid": commit})

    def info(self, repo: str, revision: str | None) -> None:
        commit, files = self.find(repo, revision)
        self.send({"id": repo, "sha": commit, "siblings": [{"rfilename": path} for path in files]})

    def tree(self, repo: str, revision: str) -> None:
        _, files = self.find(repo, revision)
        self.send(
            [
                {"type": "file", "path": path, "size": len(content), "oid": _oid(content)}
                for path, content in files.items()
            ]
        )

    def resolve(self, repo: str, revision: str, path: str) -> None:
        commit, files = self.find(repo, revision)
        if path not in files:
            raise _NotFound("EntryNotFound")
        self.send(files[path], headers={"ETag": f'"{_oid(files[path])}"', "X-Repo-Commit": commit})


def _oid(content: bytes) -> str:
    """Git's name for a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
