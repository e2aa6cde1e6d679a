"""A real OpenID Connect issuer: Django's accounts and django-oauth-toolkit, on 127.0.0.1.

``python -m tests.access.oidc.issuer_site FOLDER PORT`` serves it until it is stopped; ``Site`` does so for a test.
It keeps its accounts in FOLDER, and its key in FOLDER/key.pem: without that file it starts with another key.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from pathlib import Path

import httpx2

MODULE = "tests.access.oidc.issuer_site"
LOGIN = """<form method="post">{% csrf_token %}{{ form.as_p }}<button>Log in</button></form>"""


class Site:
    """The issuer in a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.url = f"http://127.0.0.1:{port}/o"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-W", "ignore", "-m", MODULE, str(self.folder), str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx2.get(f"{self.url}/.well-known/openid-configuration").status_code == 200:
                    return
            except httpx2.HTTPError:
                time.sleep(0.1)
        raise RuntimeError((self.folder / "log").read_text()[-3000:])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def rotate(self) -> None:
        """Another key, and nothing of the one before."""
        self.stop()
        (self.folder / "key.pem").unlink()
        self.start()

    def plant(self, **things: list[dict[str, object]]) -> None:
        """``clients`` (id, secret, uris), ``people`` (name, email, groups, password); same name: another person."""
        httpx2.post(f"http://127.0.0.1:{self.port}/plant", json=things, timeout=30).raise_for_status()

    @property
    def token_url(self) -> str:
        """Where a CI job gets its token, as GitHub's jobs do; ``claims`` adds to what it says."""
        return f"http://127.0.0.1:{self.port}/ci-token"


def configure(folder: Path, port: int) -> None:
    import django
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from django.conf import settings

    key = folder / "key.pem"
    if not key.exists():
        pem = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key.write_bytes(pem)
    loader = ("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN})
    settings.configure(
        SECRET_KEY=secrets.token_hex(),
        ALLOWED_HOSTS=["127.0.0.1"],
        SESSION_COOKIE_NAME="issuer_session",  # cookies do not tell ports apart
        LOGIN_URL="/login/",
        USE_TZ=True,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # at once: nothing here is secret
        MIGRATION_MODULES=dict.fromkeys(("auth", "contenttypes", "sessions", "oauth2_provider")),
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "issuer.sqlite3"}},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"loaders": [loader, "django.template.loaders.app_directories.Loader"]},
            }
        ],
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": key.read_text(),
            "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{port}/o",
            "PKCE_REQUIRED": True,
            "OAUTH2_VALIDATOR_CLASS": f"{MODULE}.validator",
            "SCOPES": {"openid": "who you are", "profile": "your name and groups"},
        },
    )
    django.setup()


def validator(*arguments, **named):
    from oauth2_provider.oauth2_validators import OAuth2Validator

    class Validator(OAuth2Validator):
        oidc_claim_scope = None

        def get_additional_claims(self, request):
            user = request.user
            groups = [group.name for group in user.groups.all()]
            return {"preferred_username": user.username, "email": user.email, "groups": groups}

    return Validator(*arguments, **named)


def plant(request):
    from django.contrib.auth.models import Group, User
    from django.http import HttpResponse
    from oauth2_provider.models import Application

    things = json.loads(request.body)
    for client in things.get("clients", []):
        Application.objects.filter(client_id=client["id"]).delete()
        Application.objects.create(
            client_id=client["id"],
            client_secret=client.get("secret", ""),
            client_type="confidential" if client.get("secret") else "public",
            authorization_grant_type="authorization-code",
            redirect_uris=" ".join(client["uris"]),
            skip_authorization=True,
            algorithm="RS256",
        )
    for person in things.get("people", []):
        User.objects.filter(username=person["name"]).delete()
        user = User.objects.create_user(person["name"], person["email"], person["password"])
        user.groups.set([Group.objects.get_or_create(name=name)[0] for name in person["groups"]])
    return HttpResponse()


def ci_token(request):
    """What GitHub's runner answers a job with: a token for the audience that it asks for."""
    from django.http import HttpResponse, JsonResponse
    from jwcrypto import jwk, jwt
    from oauth2_provider.settings import oauth2_settings

    if request.headers.get("Authorization") != "bearer of-this-job":
        return HttpResponse(status=401)
    key = jwk.JWK.from_pem(oauth2_settings.OIDC_RSA_PRIVATE_KEY.encode())
    now = int(time.time())
    claims = {
        "iss": oauth2_settings.OIDC_ISS_ENDPOINT,
        "aud": request.GET.get("audience", "https://github.com/acme"),
        "sub": "repo:acme/credit:environment:production",
        "repository": "acme/credit",
        "ref": "refs/heads/main",
        "environment": "production",
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        **json.loads(request.GET.get("claims", "{}")),
    }
    token = jwt.JWT({"alg": "RS256", "kid": key.thumbprint(), "typ": "JWT"}, claims)
    token.make_signed_token(key)
    return JsonResponse({"value": token.serialize()})


def serve(folder: Path, port: int) -> None:
    configure(folder, port)
    from django.conf import settings
    from django.contrib.auth.views import LoginView
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application
    from django.urls import include, path

    settings.ROOT_URLCONF = (
        path("login/", LoginView.as_view()),
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        path("plant", plant),
        path("ci-token", ci_token),
    )
    call_command("migrate", verbosity=0, run_syncdb=True)
    server = ThreadedWSGIServer(("127.0.0.1", port), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
