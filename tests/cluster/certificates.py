"""Certificates for tests, by the openssl program: an authority of our own, and what it signs for localhost."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.harness import need

SETTINGS = """
[ca]
default_ca = ours
[ours]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
x509_extensions = usual
[any]
commonName = supplied
[usual]
subjectAltName = DNS:localhost,IP:127.0.0.1
"""


class Authority:
    """`file`: its certificate, for engine.ca_file."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.file, self._key = folder, folder / "ca.pem", folder / "ca.key"
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n")
        self._settings = folder / "ca.cnf"
        self._settings.write_text(SETTINGS.format(folder=folder))
        self._openssl("req", "-x509", *self._new(self._key, "ours"), "-out", self.file, "-days", "2")

    def sign(self, name: str, end: str = "20491231235959Z") -> tuple[Path, Path]:
        """A certificate for localhost that is valid until `end`, and its key."""
        certificate, key, request = (self._folder / f"{name}.{suffix}" for suffix in ("pem", "key", "csr"))
        self._openssl("req", *self._new(key, name), "-out", request)
        self._openssl("ca", "-batch", "-notext", "-config", self._settings, "-cert", self.file, "-keyfile", self._key, "-in", request,
                      "-out", certificate, "-startdate", "20200101000000Z", "-enddate", end)  # fmt: skip
        return certificate, key

    @staticmethod
    def _new(key: Path, name: str) -> tuple[str | Path, ...]:
        return "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", f"/CN={name}"

    @staticmethod
    def _openssl(*arguments: str | Path) -> None:
        subprocess.run([need("openssl"), *map(str, arguments)], check=True, capture_output=True)
