"""200 prediction files pushed twice over HTTP: each row is stored once."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi.testclient import TestClient
from sqlmodel import func, select

from app.access.service import create_token
from app.config import Settings
from app.db import Database
from app.main import create_app
from app.migrate import upgrade
from app.tables import Prediction
from tests.audits.conftest import plant
from tests.monitoring.test_pushing import WHERE, log, parquet

FILES, ROWS = 200, 500


def main() -> None:
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), allowed_hosts=["testserver"], log_level="WARNING")
        upgrade(settings)
        database = Database(settings.sqlalchemy_url)
        with database.write() as session:
            plant(session)
            _, token = create_token(session, name="bench", role="ci", created_by="bench")
        contents = [parquet(log(ROWS, start=ROWS * number)) for number in range(FILES)]
        with TestClient(create_app(settings), headers={"Authorization": f"Bearer {token}"}) as http:
            for what in ("first", "again"):
                began, new, known = time.monotonic(), 0, 0
                for content in contents:
                    answer = http.post(
                        "/api/v1/predictions", params=WHERE | {"filename": "l.parquet"}, content=content
                    )
                    new, known = new + answer.json()["new"], known + answer.json()["known"]
                seconds = time.monotonic() - began
                print(f"{what}: {FILES} files x {ROWS} rows in {seconds:.1f} s: {new} stored, {known} known before")
        with database.read() as session:
            stored = session.exec(select(func.count()).select_from(Prediction)).one()
        database.dispose()
    print(f"stored: {stored}, expected {FILES * ROWS}")
    if stored != FILES * ROWS:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
