"""A stand-in for the model hub: serves a folder by the part of its HTTP interface that a download uses, with faults on demand."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from pathlib import Path
from typing import Any

REVISION = "0123456789abcdef0123456789abcdef01234567"


WEIGHTS = (".safetensors", ".bin")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub:
    """Serves `folder` as the model `name`. `requests` lists (method, file, first byte)."""

    def __init__(self, folder: Path, name: str, licence: str = "cc-by-nc-sa-4.0") -> None:
        self.folder, self.name, self.licence, self.licence_name = folder, name, licence, ""
        self.requests: list[tuple[str, str, int]] = []
        self.cut_after: dict[str, int] = {}  # file → bytes after which the connection is cut, once
        self.swapped: dict[str, bytes] = {}  # file → content sent instead of its own
        self.claimed_bytes: dict[str, int] = {}  # file → claimed size
        self.stuck: dict[str, threading.Event] = {}  # file → only half is sent until this is set
        self.token = ""  # without it, files of a gated model are refused
        self.portal: bytes | None = None  # the answer to every request, as in a hotel's Wi-Fi
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub._answer(self)

            def do_HEAD(self) -> None:
                hub._answer(self)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()  # how soon it ends

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        path = request.path.split("?")[0].strip("/")
        if self.portal is not None:
            return self._send(request, self.portal, {"Content-Type": "text/html"})
        if path in (f"api/models/{self.name}", f"api/models/{self.name}/revision/{REVISION}"):
            return self._send(request, json.dumps(self._info()).encode(), {"Content-Type": "application/json"})
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return self._send(request, b"", {"X-Error-Code": "GatedRepo"}, 401)
        for revision in ("main", REVISION):
            prefix = f"{self.name}/resolve/{revision}/"
            if path.startswith(prefix) and (self.folder / path.removeprefix(prefix)).is_file():
                return self._file(request, path.removeprefix(prefix))
            if path.startswith(prefix):
                return self._send(request, b"", {"X-Error-Code": "EntryNotFound"}, 404)
        return self._send(request, b"", {"X-Error-Code": "RepoNotFound"}, 404)

    def _info(self) -> dict[str, Any]:
        siblings = []
        for file in sorted(p for p in self.folder.rglob("*") if p.is_file()):
            name, content = file.relative_to(self.folder).as_posix(), file.read_bytes()
            entry: dict[str, Any] = {"rfilename": name, "size": self.claimed_bytes.get(name, len(content))}
            entry["blobId"] = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            if file.suffix in (".safetensors", ".bin"):
                entry["lfs"] = {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": entry["size"],
                    "pointerSize": 134,
                }
            siblings.append(entry)
        return {
            "id": self.name,
            "sha": REVISION,
            "cardData": {"license": self.licence, "license_name": self.licence_name},
            "siblings": siblings,
        }

    def _file(self, request: http.server.BaseHTTPRequestHandler, name: str) -> None:
        right = (self.folder / name).read_bytes()
        content = self.swapped.get(name, right)
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.requests.append((request.command, name, start))
        tag = _sha256(right) if name.endswith(WEIGHTS) else _git(right)
        headers = {"ETag": f'"{tag}"', "X-Repo-Commit": REVISION, "Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(request, content[start:], headers, 206 if start else 200, name)

    def _send(
        self, request: http.server.BaseHTTPRequestHandler, body: bytes, headers: dict[str, str], status: int = 200,
        name: str = "",
    ) -> None:  # fmt: skip
        request.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(key, value)
        request.end_headers()
        if request.command == "HEAD":
            return
        if name in self.stuck:
            request.wfile.write(body[: len(body) // 2])
            request.wfile.flush()
            self.stuck[name].wait(30)
            body = body[len(body) // 2 :]
        if (cut := self.cut_after.pop(name, None)) is not None:
            request.wfile.write(body[:cut])
            request.wfile.flush()
            request.connection.close()
            request.close_connection = True
            return
        request.wfile.write(body)
