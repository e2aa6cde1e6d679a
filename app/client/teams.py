"""Teams, and tokens by REST."""

from __future__ import annotations

from urllib.parse import quote

from app.client.connection import Body, Connection


class Teams(Connection):
    """For administrators; members may list their own teams."""

    def create_team(self, name: str) -> Body:
        return self._json("POST", "teams", json={"name": name})

    def teams(self) -> list[Body]:
        found: list[Body] = self._json("GET", "teams")  # type: ignore[assignment]
        return found

    def add_member(self, team: str, name: str, role: str) -> Body:
        return self._json("PUT", f"teams/{quote(team)}/members", json={"name": name, "role": role})

    def remove_member(self, team: str, name: str) -> Body:
        return self._json("DELETE", f"teams/{quote(team)}/members", params={"name": name})

    def grant(self, team: str, role: str, *, model: str | None = None, of_team: str | None = None) -> Body:
        """Of one model, or of all that another team has."""
        return self._json(
            "PUT", f"teams/{quote(team)}/grants", json={"model": model, "team": of_team, "role": role}
        )

    def revoke_grant(self, team: str, *, model: str | None = None, of_team: str | None = None) -> Body:
        named = {"model": model, "of_team": of_team}
        return self._json(
            "DELETE", f"teams/{quote(team)}/grants", params={key: value for key, value in named.items() if value}
        )

    def give(self, kind: str, name: str, team: str | None) -> None:
        """A model or a pipeline (``kind``: models, pipelines) to a team, or to none."""
        self._send("PUT", f"{kind}/{name}/team", json={"team": team})

    def create_token(self, name: str, role: str, **given: object) -> Body:
        """``given``: scopes, days, team. The answer's ``secret`` is shown this once."""
        return self._create("tokens", json={"name": name, "role": role, **given})

    def tokens(self) -> list[Body]:
        return self._all("tokens")

    def rotate_token(self, token_id: int, overlap_hours: float = 24) -> Body:
        """The answer's ``secret`` is shown this once; the old one holds for the overlap."""
        return self._create(f"tokens/{token_id}/rotation", json={"overlap_hours": overlap_hours})

    def revoke_token(self, token_id: int) -> None:
        self._send("DELETE", f"tokens/{token_id}")
