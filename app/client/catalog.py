"""Models, versions, files, attestations."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2

from app.client.connection import Body, Connection

CHUNK = 1024 * 1024


class Catalog(Connection):
    """What is registered and handed in."""

    def upload(self, path: Path) -> str:
        """Upload a file unless the service has it; returns its sha256 (hex)."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if self._send("HEAD", f"blobs/{digest}", allow=(404,)).status_code == httpx2.codes.NOT_FOUND:
            with path.open("rb") as file:
                self._send("PUT", f"blobs/{digest}", content=iter(lambda: file.read(CHUNK), b""))
        return digest

    def register(
        self, manifest: Mapping[str, Any], files: Mapping[str, Path], evidence: Sequence[tuple[str, Path]] = ()
    ) -> Body:
        """Register a version: upload what ``manifest`` names, then send it.

        Args:
            manifest: assay.yaml as a mapping (``app.catalog.manifest.parse`` reads and checks the file).
            files: local files by part: artifact, train, test, reference.
            evidence: (kind, file) pairs that are handed in with it.

        Returns:
            ``{created, version, scorecard_url}``.
        """
        commit = manifest["version"].get("commit")
        uploaded = {part: {"digest": self.upload(path), "filename": path.name} for part, path in files.items()}
        handed_in = [_evidence(kind, path, self.upload(path), commit) for kind, path in evidence]
        body = {"manifest": dict(manifest), "files": uploaded, "evidence": handed_in}
        return self._json("POST", "registrations", json=body)

    def push_evidence(self, model: str, version: str, kind: str, path: Path, commit: str | None = None) -> Body:
        """Upload a file and hand it in for a version, as made from ``commit``."""
        body = _evidence(kind, path, self.upload(path), commit)
        return self._json("POST", f"models/{model}/versions/{version}/evidence", json=body)

    def attest(self, model: str, version: str, attestation: Mapping[str, Any]) -> Body:
        """Attest a manual test; see ``AttestationIn`` for the fields."""
        return self._create(f"models/{model}/versions/{version}/attestations", json=dict(attestation))

    def models(self) -> list[Body]:
        return self._all("models")

    def version(self, model: str, version: str) -> Body:
        return self._json("GET", f"models/{model}/versions/{version}")

    def newest_version(self, model: str) -> str:
        """The name of the version that was registered last."""
        return str(self._json("GET", f"models/{model}")["newest_version"])


def _evidence(kind: str, path: Path, digest: str, commit: str | None) -> Body:
    return {"kind": kind, "digest": digest, "filename": path.name, "commit": commit}
