"""A hub of models: repositories at commits, files by range, large ones at another origin."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, ClassVar

from breeze.testing.standins._fault import Fault
from breeze.testing.standins._hub_body import OWN, Body, Sent, refused
from breeze.testing.standins._hub_catalogue import catalogued
from breeze.testing.standins._server import Call, Handler, Reply, Standin

_LARGE = 1024
"""From so many bytes on a file is kept apart, as large files are."""
_PAGE = 50
"""Files on a page of a list."""


@dataclass
class Repository:
    """What a repository has; another commit is another repository under the same name."""

    files: dict[str, bytes]
    private: bool = False
    gated: bool = False
    moved_to: str = ""
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        parts = (f"{path}\0".encode() + data[:64] for path, data in sorted(self.files.items()))
        return hashlib.sha1(b"".join(parts), usedforsecurity=False).hexdigest()


class HubStandin(Standin):
    """A model hub. It has `breeze/tiny` with the embedded model, and small files in place of the
    catalogue's models; `add` gives it more."""

    name = "hub"
    prefix = ""
    capability = ""
    own_faults: ClassVar[tuple[Fault, ...]] = OWN

    def __init__(self, *, profile: str = "", key: str = "test-key", pace: float = 0.0) -> None:
        super().__init__(profile=profile, key=key, pace=pace)
        self.repositories: dict[str, Repository] = {}
        self.commits: dict[tuple[str, str], Repository] = {}
        self.plain: dict[str, bytes] = {}
        """Files at `/files/NAME`, as any web server has them."""
        self.sent: list[Sent] = []
        """Which bytes of which files went out."""
        self.cut_every = 0
        """Bytes after which each connection ends that carries a file; 0: none does."""
        self.hold_after: int | None = None
        """The byte of each file behind which nothing comes until `open_gate`."""
        self._gate = asyncio.Event()
        self.digests: dict[str, bytes] = {}
        self._second: asyncio.Server | None = None
        self.second_port = 0
        tiny = files("breeze.models") / "embedded" / "breeze-tiny-q8_0.gguf"
        self.add(
            "breeze/tiny", {"breeze-tiny-q8_0.gguf": tiny.read_bytes(), "README.md": b"# Tiny\n"}
        )

    def add(self, name: str, contents: Mapping[str, bytes], **facts: Any) -> Repository:
        """A repository of these files, or its next commit. Facts: `private`, `gated`, `moved_to`,
        `about` (more of what the hub says of it)."""
        made = Repository(dict(contents), **facts)
        self.repositories[name] = made
        self.commits[name, made.commit] = made
        for data in contents.values():
            self.digests[hashlib.sha256(data).hexdigest()] = data
        return made

    def open_gate(self) -> None:
        """What is held back goes out."""
        self._gate.set()

    def close_gate(self) -> None:
        """From now on it is held back again."""
        self._gate.clear()

    def routes(self) -> Mapping[str, Handler]:
        return {
            "GET /api/whoami-v2": self._who,
            "GET /api/agent-harnesses": self._nothing,
            "GET /api/models/{org}/{name}/revision/{revision}": self._about,
            "GET /api/models/{org}/{name}/tree/{revision}": self._tree,
            "GET /cdn/{digest}": self._large,
            "GET /files/{path...}": self._plain,
            "GET /{org}/{name}/resolve/{revision}/{path...}": self._file,
        }

    def config(self, url: str) -> dict[str, Any]:
        """It serves no runner."""
        return {}

    def introduction(self, url: str) -> str:
        return f"HF_ENDPOINT={url}"

    def authorised(self, call: Call) -> bool:
        given = call.headers.get("authorization")
        return given is None or given == f"Bearer {self.key}"

    def refusal(self, kind: str, call: Call) -> Reply:
        if kind == "authentication":
            return refused(401, "", "Invalid credentials in Authorization header")
        if kind == "rate_limit":
            reply = refused(429, "", "We had to rate limit you.")
            return reply.having(RateLimit='"api";r=0;t=1')
        if kind == "not_found":
            return refused(404, "EntryNotFound", "Entry not found")
        return super().refusal(kind, call)

    async def listen(self) -> None:
        await super().listen()
        if self._second is None:
            self._second = await asyncio.start_server(
                self._connected, "127.0.0.1", self.second_port, ssl=self._tls
            )
            self.second_port = self._second.sockets[0].getsockname()[1]

    async def stop_listening(self) -> None:
        await super().stop_listening()
        if self._second is not None:
            self._second.close()
            self._second = None

    # the hub's own pages ------------------------------------------------------------------

    async def _who(self, call: Call) -> Reply:
        if "authorization" not in call.headers:
            return self.refusal("authentication", call)
        return Reply.json({"name": "somebody", "type": "user"})

    async def _nothing(self, call: Call) -> Reply:
        return Reply.json({})

    def _repository(self, call: Call) -> tuple[Repository | None, Reply]:
        """The repository at the revision that is asked for, or the refusal."""
        name = f"{call.match['org']}/{call.match['name']}"
        found, known = self.repositories.get(name), "authorization" in call.headers
        if found is None and (contents := catalogued(name)):
            found = self.add(name, contents)
        if found is None or (found.private and not known):
            return None, refused(401, "RepoNotFound", "Repository not found")
        if found.moved_to:
            place = call.target.replace(name, found.moved_to, 1)
            return None, Reply(307, {"location": place})
        if found.gated and not known:
            return None, refused(403, "GatedRepo", f"Access to model {name} is restricted.")
        revision = call.match["revision"]
        if revision != "main":
            found = self.commits.get((name, revision))
        if found is None:
            return None, refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return found, Reply()

    async def _about(self, call: Call) -> Reply:
        found, refusal = self._repository(call)
        if found is None:
            return refusal
        name = f"{call.match['org']}/{call.match['name']}"
        about = {
            "id": name, "modelId": name, "sha": found.commit, "private": found.private,
            "gated": found.gated, "tags": [], "lastModified": "2026-11-01T00:00:00.000Z",
            "siblings": [{"rfilename": path} for path in found.files],
        }  # fmt: skip
        return Reply.json({**about, **found.about})

    async def _tree(self, call: Call) -> Reply:
        found, refusal = self._repository(call)
        if found is None:
            return refusal
        begin = int(call.query.get("cursor", ["0"])[0])
        paths = sorted(found.files)
        rows = [_row(path, found.files[path]) for path in paths[begin : begin + _PAGE]]
        reply = Reply.json(rows)
        if begin + _PAGE < len(paths):
            onward = f"{self.origin}{call.path}?recursive=true&cursor={begin + _PAGE}"
            reply = reply.having(link=f'<{onward}>; rel="next"')
        return reply

    # files --------------------------------------------------------------------------------

    async def _file(self, call: Call) -> Reply:
        found, refusal = self._repository(call)
        if found is None:
            return refusal
        data = found.files.get(call.match["path"])
        if data is None:
            return refused(404, "EntryNotFound", "Entry not found")
        said = {"x-repo-commit": found.commit, "accept-ranges": "bytes"}
        if len(data) < _LARGE:
            return self._ranged(call, call.path, data, f'"{git_id(data)}"', said)
        digest = hashlib.sha256(data).hexdigest()
        scheme = self.origin.partition(":")[0]
        said |= {
            "location": f"{scheme}://127.0.0.1:{self.second_port}/cdn/{digest}?signed=1",
            "x-linked-etag": f'"{digest}"', "x-linked-size": str(len(data)),
        }  # fmt: skip
        return Reply(302, said)

    async def _large(self, call: Call) -> Reply:
        if "authorization" in call.headers:
            self.problems.append("the key went to another origin")
        digest = call.match["digest"]
        return self._ranged(call, call.path, self.digests[digest], f'"{digest[:32]}"', {})

    async def _plain(self, call: Call) -> Reply:
        data = self.plain.get(call.match["path"])
        if data is None:
            return Reply(404, {"content-type": "text/plain"}, (b"not here",))
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        return self._ranged(call, call.path, data, etag, {"accept-ranges": "bytes"})

    def _ranged(self, call: Call, path: str, data: bytes, etag: str, said: dict[str, str]) -> Reply:
        """The file, or the end of it that is asked for."""
        headers = {"content-type": "application/octet-stream", "etag": etag, **said}
        asked = call.headers.get("range", "")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        if call.headers.get("if-range", etag) != etag:
            start, asked = 0, ""
        if asked and start >= len(data):
            return Reply(416, {"content-range": f"bytes */{len(data)}"})
        headers["content-length"] = str(len(data) - start)
        if asked:
            headers["content-range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if call.method == "HEAD":
            return Reply(206 if asked else 200, headers)
        body = Body(path, data, start, self.sent.append, self.cut_every or None,
                    hold=self.hold_after, gate=self._gate)  # fmt: skip
        return Reply(206 if asked else 200, headers, upgrade=body)


def git_id(data: bytes) -> str:
    """The object id that git gives to a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _row(path: str, data: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {
        "type": "file", "path": path, "size": len(data), "oid": git_id(data),
    }  # fmt: skip
    if len(data) >= _LARGE:
        digest = hashlib.sha256(data).hexdigest()
        row["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 134}
    return row
