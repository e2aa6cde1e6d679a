"""An issuer that says whatever a test wants, over real HTTP, and what a thief might try with its tokens."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


def rsa_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


KEY, OTHER, CURVE, WEAK = rsa_key(), rsa_key(), ec.generate_private_key(ec.SECP256R1()), rsa_key(1024)


def public(key, kid, **more):
    kind = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}


class Liar:
    """``published``: its keys; ``answer``: the token endpoint's; ``changes``: to the discovery document."""

    def __init__(self) -> None:
        self.published = [public(KEY, "k1"), public(CURVE, "k2"), public(WEAK, "k3")]
        self.answer = {}
        self.changes = {}
        self.userinfo = {}
        self.calls: list[str] = []
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def document(self, path):
        match path:
            case "/.well-known/openid-configuration":
                ends = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token", "userinfo")}
                return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **ends, **self.changes}
            case "/keys":
                return {"keys": self.published}
            case "/token":
                return self.answer
        return self.userinfo

    def claims(self, audience, **changes):
        now = int(time.time())
        made = {"iss": self.url, "aud": audience, "sub": "s1", "iat": now, "exp": now + 300, **changes}
        return {name: value for name, value in made.items() if value is not None}

    def _handler(liar):  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                liar.calls.append(self.path)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                content = json.dumps(liar.document(self.path)).encode()
                self.send_response(liar.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *arguments):
                pass

        return Handler


def signed(claims, key=KEY, kid="k1", algorithm="RS256", **header):
    return jwt.encode(claims, key, algorithm, headers={"kid": kid, **header})


def spliced(header, claims, signature=b""):
    """A token that no library would make."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def hmac_with_the_public_key(claims):
    """HS256, with what everybody can read as the secret."""
    import hashlib
    import hmac

    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    unsigned = spliced({"alg": "HS256", "typ": "JWT", "kid": "k1"}, claims).rpartition(".")[0]
    digest = hmac.new(pem, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _tampered(claims):
    head, _, signature = signed(claims).split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "root"}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def _short(claims):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return signed(claims, WEAK, kid="k3")


NOW = time.time
FORGERIES = {
    "alg none": (lambda c: spliced({"alg": "none"}, c), "alg: "),
    "alg None in other letters": (lambda c: spliced({"alg": "nOnE", "kid": "k1"}, c), "alg: "),
    "HS256 with the public key": (hmac_with_the_public_key, 'alg: "HS256"'),
    "another key under the same name": (lambda c: signed(c, OTHER), "signature: "),
    "a key of its own in the header": (lambda c: signed(c, OTHER, jwk=public(OTHER, "k1")), "signature: "),
    "a key address of its own": (lambda c: signed(c, OTHER, jku="http://127.0.0.1:1/keys"), "signature: "),
    "a key that nobody published": (lambda c: signed(c, OTHER, kid="k9"), "kid: "),
    "kid as a path": (lambda c: signed(c, OTHER, kid="../../../../dev/null"), "kid: "),
    "kid as SQL": (lambda c: signed(c, OTHER, kid="' UNION SELECT 'k1"), "kid: "),
    "kid that is no text": (lambda c: spliced({"alg": "RS256", "kid": ["k1"]}, c), ""),
    "no kid where there are several": (lambda c: spliced({"alg": "RS256"}, c), "alg: "),
    "a key of another kind": (lambda c: spliced({"alg": "ES256", "kid": "k1"}, c, b"x" * 64), "alg: "),
    "a key that is too short": (_short, "signature: "),
    "an extension that must be understood": (lambda c: signed(c, crit=["b64"], b64=False), ""),
    "claims that were changed": (_tampered, "signature: "),
    "no signature": (lambda c: f"{signed(c).rpartition('.')[0]}.", "signature: "),
    "another audience": (lambda c: signed(c | {"aud": "https://other.example"}), 'aud: it is for "https://other'),
    "no audience": (lambda c: signed({k: v for k, v in c.items() if k != "aud"}), "aud: "),
    "another issuer": (lambda c: signed(c | {"iss": "https://evil.example"}), "iss: "),
    "expired": (lambda c: signed(c | {"exp": int(NOW()) - 61}), "exp: it expired at 20"),
    "without an end": (lambda c: signed({k: v for k, v in c.items() if k != "exp"}), "exp: "),
    "an end that is no number": (lambda c: signed(c | {"exp": "never"}), ""),
    "issued in the future": (lambda c: signed(c | {"iat": int(NOW()) + 90}), "iat: it is not good before 20"),
    "not good yet": (lambda c: signed(c | {"nbf": int(NOW()) + 90}), "nbf: it is not good before 20"),
    "for nobody": (lambda c: signed(c | {"sub": ""}), "sub: "),
    "not a token": (lambda _: "asy_or_whatever", "It is no JSON Web Token"),
    "claims that are no object": (lambda _: spliced({"alg": "RS256", "kid": "k1"}, ["x"]), "It is no JSON"),
    "a bomb": (lambda _: "a." + "b" * 15_000 + ".c", "It is no JSON Web Token"),
}
"""What is wrong with a token, made of the claims of a good one: (token, how the refusal begins)."""


GOOD = {
    "RSA": signed,
    "an elliptic curve": lambda c: signed(c, CURVE, kid="k2", algorithm="ES256"),
    "PSS": lambda c: signed(c, algorithm="PS256"),
    "an audience in a list": lambda c: signed(c | {"aud": [c["aud"]]}),
    "a clock half a minute behind": lambda c: signed(c | {"exp": int(NOW()) - 30}),
    "a clock half a minute ahead": lambda c: signed(c | {"iat": int(NOW()) + 30, "nbf": int(NOW()) + 30}),
}
"""The controls: tokens that are as good as they look."""
