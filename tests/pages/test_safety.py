"""Nobody's text becomes part of a page, and nobody reads one who may not."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from app.catalog.queries import find_version
from app.config import ROOT
from app.db import utcnow
from app.evidence.blobs import Stored, remember
from tests.scorecards import stored

from .reading import Page
from .story import condition

CARD = "/models/credit-default/versions/1.1.0"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class TestHostileText:
    """Names and reasons come from files that anybody may have written."""

    @pytest.fixture
    def planted(self, database):
        with database.write() as session:
            model = stored.model(session, HOSTILE.replace("/", "!"), owner=HOSTILE, purpose=HOSTILE, users=HOSTILE)
            version = stored.version(session, model, HOSTILE.replace("/", "!"), model_class=HOSTILE, commit=HOSTILE)
            exhibit = {"name": HOSTILE, "media_type": HOSTILE, "digest": "0" * 64}
            finding = stored.finding(
                session,
                version,
                verdict="fail",
                reason=HOSTILE,
                remedy=HOSTILE,
                cap=HOSTILE,
                created_at=utcnow(),
                measured={
                    HOSTILE: HOSTILE,
                    "rows": [{HOSTILE: HOSTILE}],
                    "deep": {HOSTILE: [{HOSTILE: [HOSTILE]}]},
                },
                thresholds={HOSTILE: HOSTILE},
                inputs={HOSTILE: HOSTILE},
                exhibits=[exhibit],
            )
            stored.attestation(
                session,
                version,
                "MODEL-1",
                person=HOSTILE,
                what=HOSTILE,
                created_at=utcnow(),
                link="javascript:alert(1)",
                expires_at=utcnow() + timedelta(days=9),
            )
            audit = stored.audit(session, version, actor=HOSTILE, trigger=HOSTILE, error=HOSTILE, status="failed")
            decision = stored.decision(session, version, HOSTILE, "fail")
            decision.body = {
                "id": decision.id,
                "status": "fail",
                "model": HOSTILE,
                "version": HOSTILE,
                "environment": HOSTILE,
                "stage": HOSTILE,
                "policy": {"name": HOSTILE, "version": 1, "digest": HOSTILE},
                "artifact_digest": HOSTILE,
                "score": None,
                "section_scores": {},
                "expires_at": HOSTILE,
                "audit_id": None,
                "conditions": [condition(HOSTILE, "fail", HOSTILE, HOSTILE, HOSTILE)],
            }
            session.add(decision)
            version_path = f"/models/{quote(model.name)}/versions/{quote(version.name)}"
            return [
                "/",
                version_path,
                f"/findings/{finding.id}",
                f"/audits/{audit.id}",
                f"/decisions/{decision.id}",
            ]

    def test_stays_text(self, planted, open_page):
        for path in planted:
            page = open_page(path)
            assert HOSTILE.split(">")[1] in page.text or "<script>" in page.text
            scripts = [given for tag, given in page.tags if tag == "script"]
            assert scripts == [{"src": "/static/assay.js", "defer": None}]
            assert not any(name.startswith("on") for _, given in page.tags for name in given)
            assert not any("javascript:" in (link or "").lower() for link in page.links)

    def test_in_an_error(self, open_page):
        assert "<script>alert" in open_page("/checks/%3Cscript%3Ealert(1)", 404).text


class TestAccess:
    PATHS = (
        "/",
        CARD,
        "/models/credit-default",
        "/checks",
        "/checks/DATA-1",
        "/findings/1",
        "/audits/1",
        "/decisions/1",
    )

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.usefixtures("story")
    def test_nobody_reads_without_signing_in(self, client, path):
        answer = client(None).get(path, headers={"Accept": "text/html"}, follow_redirects=False)
        back = "" if path == "/" else f"?to={quote(path, safe='')}"
        assert (answer.status_code, answer.headers.get("location")) == (303, f"/sign-in{back}")

    @pytest.mark.usefixtures("story")
    def test_attested_files_are_only_saved(self, client, database, blobs):
        digest = blobs.put_bytes(b"<script>alert(1)</script>").digest
        with database.write() as session:
            remember(session, Stored(digest, 25))
            version = find_version(session, "credit-default", "1.1.0")[1]
            row = stored.attestation(session, version, digest=digest)
        answer = client("viewer").get(f"/attestations/{row.id}/file")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert client("viewer").get("/attestations/999/file").status_code == 404

    @pytest.mark.usefixtures("story")
    def test_style_and_script_come_from_files_alone(self, client):
        """The content security policy forbids anything else, so it would silently not work."""
        for path in (*self.PATHS[:2], "/sign-in"):
            answer = client("viewer").get(path)
            assert "script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"]
            page = Page(answer.text)
            assert not any("style" in given or tag == "style" for tag, given in page.tags)


def test_templates_hold_no_inline_style_or_script():
    for path in Path(ROOT / "templates").glob("*.html"):
        text = path.read_text()
        assert "style=" not in text
        assert "|safe" not in text
        assert "<style" not in text
