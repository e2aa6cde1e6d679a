"""People signing in with an issuer: the authorization code flow with PKCE, and who they are to us."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from app.access.identity import MEMBER
from app.access.oidc.issuers import Issuer, json_object
from app.access.oidc.verification import claims_of, shown
from app.config import Settings
from app.errors import Forbidden, NotAuthenticated

CALLBACK = "/sign-in/oidc/callback"


class NoRole(Forbidden):
    """The issuer knows this person, and the configuration gives them no role."""


@dataclass(frozen=True)
class Attempt:
    """What a browser keeps in a cookie between leaving for the issuer and coming back."""

    state: str
    nonce: str
    verifier: str
    to: str

    @classmethod
    def new(cls, to: str) -> Attempt:
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, to)

    @classmethod
    def read(cls, cookie: str) -> Attempt:
        """Raises ``NotAuthenticated`` when it is none of ours."""
        try:
            kept = json.loads(base64.urlsafe_b64decode(cookie))
            return cls(**{name: str(kept[name]) for name in cls.__dataclass_fields__})
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NotAuthenticated("This sign-in was not begun in this browser, or too long ago.") from error

    @property
    def cookie(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @property
    def challenge(self) -> str:
        """S256 of RFC 7636."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Returned:
    """What the issuer sends the browser back with."""

    state: str
    code: str
    error: str = ""
    issuer: str = ""


@dataclass(frozen=True)
class Known:
    """Whom the issuer vouches for: ``subject`` is who it is, ``called`` what they would like to be called."""

    subject: str
    called: str
    role: str
    teams: Mapping[str, str]


def leave(issuer: Issuer, settings: Settings, attempt: Attempt) -> str:
    """The address at the issuer where the browser goes now."""
    asked = {
        "response_type": "code",
        "client_id": settings.oidc_client_id,
        "redirect_uri": redirect_uri(settings),
        "scope": " ".join(settings.oidc_scopes),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    address = issuer.endpoint("authorization_endpoint")
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"


def come_back(issuer: Issuer, settings: Settings, attempt: Attempt, returned: Returned) -> Known:
    """Who it is that came back.

    Raises:
        NotAuthenticated: the issuer did not say so, or not to this browser.
        NoRole: the configuration gives this person no role.
        Unavailable: the issuer does not answer.
    """
    if not secrets.compare_digest(returned.state.encode(), attempt.state.encode()):
        raise NotAuthenticated("state: this answer belongs to another sign-in.")
    _same_issuer(issuer, returned)
    if returned.error:
        raise NotAuthenticated(f"The issuer refused: {shown(returned.error)}.")
    tokens = _redeem(issuer, settings, attempt, returned.code)
    claims = claims_of(str(tokens.get("id_token", "")), issuer, settings.oidc_client_id)
    if claims.get("nonce") != attempt.nonce:
        raise NotAuthenticated("nonce: this ID token belongs to another sign-in.")
    _for_us(claims, settings.oidc_client_id)
    if _inside(claims, settings.oidc_roles_claim) is None:
        claims = {**_userinfo(issuer, tokens, claims["sub"]), **claims}
    return Known(claims["sub"], _called(claims, settings), *_roles(claims, settings))


def redirect_uri(settings: Settings) -> str:
    return f"{settings.public_url.rstrip('/')}{CALLBACK}"


def _same_issuer(issuer: Issuer, returned: Returned) -> None:
    """RFC 9207: an answer that names another issuer, or none where ours says it always does, is mixed up."""
    named = bool(issuer.metadata().get("authorization_response_iss_parameter_supported"))
    if (named or returned.issuer) and returned.issuer != issuer.url:
        raise NotAuthenticated(f"iss: this answer is of {shown(returned.issuer)}, not of {issuer.url}.")


def _redeem(issuer: Issuer, settings: Settings, attempt: Attempt, code: str) -> Mapping[str, Any]:
    """Exchange the code for tokens, as the client that the issuer knows us as."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(settings),
        "code_verifier": attempt.verifier,
    }
    headers = {}
    secret = settings.oidc_client_secret.get_secret_value()
    methods = issuer.metadata().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if secret and "client_secret_basic" in methods:
        pair = f"{quote(settings.oidc_client_id, safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": settings.oidc_client_id, **({"client_secret": secret} if secret else {})}
    answer = issuer.post(issuer.endpoint("token_endpoint"), form, **headers)
    tokens = json_object(answer)
    if answer.status != 200 or tokens is None:
        told = shown(tokens.get("error")) if tokens else f"status {answer.status}"
        raise NotAuthenticated(f"code: the issuer does not take it ({told}).")
    return tokens


def _for_us(claims: Mapping[str, Any], client_id: str) -> None:
    """``azp`` must be us, and must be there when the token is for others too (OpenID Connect Core, 3.1.3.7)."""
    others = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if others else client_id) != client_id:
        raise NotAuthenticated(f"azp: it was given to {shown(claims.get('azp'))}, not to {shown(client_id)}.")


def _userinfo(issuer: Issuer, tokens: Mapping[str, Any], subject: str) -> Mapping[str, Any]:
    """What the issuer tells of the person apart from the ID token; some list groups only there."""
    url, token = issuer.metadata().get("userinfo_endpoint"), tokens.get("access_token")
    if not isinstance(url, str) or not isinstance(token, str) or not token.isascii() or not token.isprintable():
        return {}
    told = issuer.fetch(url, Authorization=f"Bearer {token}")
    if told.get("sub") != subject:
        raise NotAuthenticated("sub: the issuer tells of another person than it signed for.")
    return told


def _roles(claims: Mapping[str, Any], settings: Settings) -> tuple[str, Mapping[str, str]]:
    """In the organisation, and by team."""
    held = _inside(claims, settings.oidc_roles_claim)
    groups = held if isinstance(held, list) else [held]
    role = next((role for group, role in settings.oidc_roles.items() if group in groups), None)
    teams: dict[str, str] = {}
    for group, given in settings.oidc_teams.items():
        if group in groups:
            teams = {**given, **teams}
    if role is None and not teams:
        raise NoRole(
            f"You are signed in with {urlsplit(settings.oidc_issuer).netloc}, and none of your groups there "
            f"({settings.oidc_roles_claim}) has a role in Assay. Ask whoever runs Assay for one."
        )
    return role or MEMBER, teams


def _called(claims: Mapping[str, Any], settings: Settings) -> str:
    found = next((claims[name] for name in (settings.oidc_name_claim, "name", "sub") if claims.get(name)), "")
    plain = "".join(one for one in str(found) if one.isprintable() and one not in "()")
    return " ".join(plain.split())[:60] or "somebody"


def _inside(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that name, which may itself hold dots, or ``b`` inside ``a`` for ``a.b``."""
    if path in claims:
        return claims[path]
    head, _, rest = path.partition(".")
    found = claims.get(head)
    return _inside(found, rest) if rest and isinstance(found, dict) else None
