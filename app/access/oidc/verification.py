"""Whether a JSON Web Token is what an issuer signed for us; PyJWT verifies, this says what it must verify."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.access.oidc.issuers import Issuer
from app.errors import NotAuthenticated

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures by a private key. Never ``none``, nor HS*, where our copy of the key would sign as well."""
LEEWAY_SECONDS = 60
"""By which the issuer's clock may differ."""
LONGEST_TOKEN = 16 * 1024
LONGEST_SHOWN = 200


def claims_of(token: str, issuer: Issuer, audience: str) -> dict[str, Any]:
    """The claims of a token that ``issuer`` signed for ``audience`` and that is good now.

    Raises:
        NotAuthenticated: it is not; the detail begins with the part that does not fit, and never shows the token.
        Unavailable: the issuer's keys cannot be had.
    """
    import jwt

    key = _key(token, issuer)
    try:
        claims: dict[str, Any] = jwt.PyJWT({"enforce_minimum_key_length": True}).decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=audience,
            issuer=issuer.url,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except jwt.InvalidTokenError as error:
        raise NotAuthenticated(_reason(error, token, audience)) from error
    except jwt.PyJWTError as error:
        raise NotAuthenticated("signature: the issuer's key cannot verify it.") from error
    if not claims["sub"]:
        raise NotAuthenticated("sub: it names nobody.")
    return claims


def unverified_claims(token: str) -> dict[str, Any]:
    """What a token says of itself, to be believed by nobody. Raises ``NotAuthenticated`` when it is no token."""
    import jwt

    try:
        if len(token) <= LONGEST_TOKEN:
            return dict(jwt.decode(token, options={"verify_signature": False}))
    except (jwt.PyJWTError, RecursionError):
        pass
    raise NotAuthenticated("It is no JSON Web Token.")


def shown(value: object) -> str:
    """A claim for people to read."""
    text = json.dumps(value, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _key(token: str, issuer: Issuer) -> PyJWK:
    """The issuer's key that the token names. Whatever key or address of keys it brings along is ignored."""
    import jwt

    unverified_claims(token)
    header = jwt.get_unverified_header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise NotAuthenticated(f"alg: {shown(algorithm)} is not accepted; there are {', '.join(ALGORITHMS)}.")
    found = issuer.keys(kid)
    if not found:
        raise NotAuthenticated(f"kid: {issuer.url} has no key {shown(kid)}.")
    fitting = [key for key in found if key.get("alg", algorithm) == algorithm]
    if len(fitting) != 1:
        raise NotAuthenticated(f"alg: {shown(algorithm)} does not go with one key of {issuer.url}.")
    try:
        return jwt.PyJWK(dict(fitting[0]), algorithm)
    except jwt.PyJWTError as error:
        raise NotAuthenticated(f"alg: {shown(algorithm)} does not go with the key that it names.") from error


def _reason(error: Exception, token: str, audience: str) -> str:
    import jwt

    if isinstance(error, jwt.InvalidSignatureError):
        return "signature: it is not of the key that it names."
    claims = unverified_claims(token)  # signed by the issuer: PyJWT looks at claims last
    match error:
        case jwt.ExpiredSignatureError():
            return f"exp: it expired at {_moment(claims['exp'])}."
        case jwt.ImmatureSignatureError():
            name = "nbf" if "(nbf)" in str(error) else "iat"
            return f"{name}: it is not good before {_moment(claims[name])}."
        case jwt.InvalidAudienceError():
            return f"aud: it is for {shown(claims.get('aud'))}, and this is {shown(audience)}."
        case jwt.InvalidIssuerError():
            return f"iss: {shown(claims.get('iss'))} is another issuer."
        case jwt.MissingRequiredClaimError():
            return f"{error.claim}: it is missing."
    return f"It is no token of use: {error}."


def _moment(seconds: Any) -> str:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return shown(seconds)
