"""Settings, read from the environment (``ASSAY_*``) once at start and checked there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1024 * 1024

PersonRole = Literal["viewer", "reviewer", "owner", "admin"]
"""What people can be; the other roles are for machines."""


def _absolute(path: str) -> str:
    if not Path(path).is_absolute():
        raise ValueError(f"{path!r} is no absolute path")
    return path


AbsolutePath = Annotated[str, AfterValidator(_absolute)]


class TrainTwice(BaseModel):
    """How versions of one pipeline are trained for INFRA-1; docs/evidence.md says what the command gets and gives.

    ``command`` is an argument list that no shell reads, ``read`` what it may read beside the system's programs,
    ``seconds`` the time for one training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: list[str] = Field(min_length=1)
    read: list[AbsolutePath] = []
    seconds: PositiveFloat = 600

    @field_validator("command")
    @classmethod
    def _names_a_program(cls, given: list[str]) -> list[str]:
        _absolute(given[0])
        return given


class Settings(BaseSettings):
    """Every field can be set as ``ASSAY_<NAME>``; ``docs/configuration.md`` lists them."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", extra="ignore", frozen=True, hide_input_in_errors=True)

    data_dir: Path = Field(Path(".assay"), description="Folder of the embedded database and of all blobs.")
    database_url: str = Field(
        "", description="postgresql://user:password@host/name for PostgreSQL; empty: SQLite inside data_dir."
    )
    public_url: str = Field(
        "http://127.0.0.1:8321",
        description="Address under which people and CI reach the service; `assay serve` knows its own port.",
    )
    allowed_hosts: list[str] = Field(
        ["127.0.0.1", "localhost", "[::1]"], description="Values of the Host header that are answered."
    )
    data_roots: dict[str, Path] = Field(
        {}, description='Folders whose data sets may be referenced in place, as JSON: {"name": "/folder"}.'
    )
    outgoing_allowed_hosts: list[str] = Field(
        [],
        description="Hosts that may be called (webhooks, probes, issuers) although they are private or speak plain "
        "http, as JSON: a name, name:port, address or network (10.0.0.0/8).",
    )
    smtp_url: str = Field(
        "", description="Mail server: smtp://user:password@host:587 or smtps://...; empty: no e-mail is sent."
    )
    smtp_from: str = Field("assay@localhost", description="Sender of e-mail.")
    signing_key_file: Path | None = Field(
        None,
        description="Private key (Ed25519, PEM) that signs decisions; the same for every replica. Empty: made in "
        "data_dir.",
    )
    checkpoint_hours: PositiveFloat = Field(
        24, description="How often the audit log's head is sent to whoever subscribed to audit_log.checkpoint (h)."
    )
    oidc_issuer: str = Field("", description="OpenID Connect issuer that people sign in with; empty: none.")
    oidc_ci_issuers: list[str] = Field(
        [],
        description='Issuers whose tokens pipelines may come with, as JSON: ["https://token.actions.githubusercontent'
        '.com"]; which pipelines, trusts say.',
    )
    oidc_client_id: str = Field("", description="What the issuer knows this service as.")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="Its secret there; empty: a public client, protected by PKCE alone."
    )
    oidc_scopes: list[str] = Field(["openid", "profile"], description="What is asked of the issuer, as JSON.")
    oidc_name_claim: str = Field(
        "preferred_username", description="Claim that people are called by at their first sign-in."
    )
    oidc_roles_claim: str = Field(
        "groups", description="Claim that lists a person's groups or roles; a.b for b inside a."
    )
    oidc_roles: dict[str, PersonRole] = Field(
        {},
        description='Role by group, as JSON: {"ml-admins": "admin", "everybody": "viewer"}; the first group that a '
        "person has decides, and without one nobody gets in.",
    )
    oidc_teams: dict[str, dict[str, Literal["viewer", "reviewer", "owner"]]] = Field(
        {},
        description='Roles in teams by group, as JSON: {"credit-people": {"credit": "owner"}}; kept up at each '
        "sign-in.",
    )
    public_badges: bool = Field(True, description="Serve badges without a token, of models that belong to no team.")
    token_days: PositiveInt = Field(90, description="How long a token holds for which nobody says how long (days).")
    token_most_days: PositiveInt = Field(365, description="The longest that a token may hold (days).")
    organisation_reads: bool = Field(
        False, description="Who is in a team may read what every other team has, and change it no more than before."
    )
    max_body_mb: PositiveInt = Field(8, description="Largest request body, uploads excepted (MB).")
    max_upload_mb: PositiveInt = Field(1024, description="Largest uploaded file (MB).")
    header_seconds: PositiveFloat = Field(5, description="Time for the head of a request to arrive (s).")
    idle_seconds: PositiveFloat = Field(
        10, description="How long a connection lies idle between two requests (s); more than in a proxy in front."
    )
    slowest_bytes: PositiveInt = Field(
        500,
        description="Bytes a second that a client must send of a body (over 5 s) or take of an answer (over 30 s).",
    )
    requests_per_second: NonNegativeFloat = Field(
        100, description="Requests of one token, predictions excepted; ten seconds' worth may come at once. 0: any."
    )
    strangers_per_second: NonNegativeFloat = Field(
        10, description="The same of one address: sign-ins, badges, and whatever is refused for want of a token."
    )
    predictions_per_second: NonNegativeFloat = Field(0, description="The same of one token's predictions.")
    inspection_seconds: PositiveFloat = Field(20, description="Time to look into an uploaded file (s).")
    inspection_memory_mb: PositiveInt = Field(4096, description="Address space for the same (MB).")
    audit_seconds: PositiveFloat = Field(1800, description="Wall-clock time of one attempt at an audit (s).")
    audit_memory_mb: PositiveInt = Field(8192, description="Address space of one attempt at an audit (MB).")
    audit_attempts: PositiveInt = Field(3, description="Attempts before an audit is given up.")
    window_days: PositiveFloat = Field(
        7, description="How far back a monitoring audit looks when it names no window (days)."
    )
    engines_dir: Path | None = Field(
        None,
        description="Folder of the engines that have environments of their own; empty: .engines beside the code.",
    )
    train_twice: dict[str, TrainTwice] = Field(
        {},
        description="Pipelines whose versions INFRA-1 trains twice, in isolation, as JSON: "
        '{"pipeline": {"command": ["/program", "argument"], "read": ["/folder"], "seconds": 600}}; empty: none.',
    )
    lease_seconds: PositiveFloat = Field(
        30, description="How long a worker's claim holds without a sign of life (s)."
    )
    schedule_grace_seconds: PositiveFloat = Field(
        300, description="How late a scheduled audit may be queued before its slot counts as missed (s)."
    )
    issue_days: dict[str, PositiveInt] = Field(
        {"low": 180, "medium": 90, "high": 30, "critical": 7},
        description="Days until an issue is due, by severity, as JSON.",
    )
    validation_days: dict[str, PositiveInt] = Field(
        {"low": 1095, "medium": 730, "high": 365},
        description="Days from one validation of a model to the next, by risk tier, as JSON.",
    )
    first_validation_days: PositiveInt = Field(
        90, description="Days from a model's registration to its first validation."
    )
    probe_days: PositiveInt = Field(92, description="How long probes of endpoints are kept (days).")
    poll_seconds: PositiveFloat = Field(0.5, description="How often an idle worker looks for work (s).")
    log_level: str = Field("INFO", description="Least severe level that is logged.")

    serving_environment: str = Field("production", description="The environment that /v2 serves.")
    prediction_log: Literal["standard", "strict"] = Field(
        "standard",
        description="When a prediction counts as logged: written (survives the process), or on disk (strict).",
    )
    prediction_seconds: PositiveFloat = Field(10, description="Time to answer one prediction request (s).")
    prediction_memory_mb: PositiveInt = Field(4096, description="Address space of one served model (MB).")
    prediction_queue: PositiveInt = Field(32, description="Requests that may wait for one model; more are 503.")
    prediction_wait_seconds: PositiveFloat = Field(
        5, description="How long a prediction request may wait for its turn before it is answered with 503 (s)."
    )
    prediction_days: dict[str, PositiveInt] = Field(
        {},
        description='How long logged predictions and their labels are kept (days), as JSON by model, "*" for every '
        'other: {"*": 1095, "credit-default": 365}. Empty: for ever.',
    )
    prediction_rows: PositiveInt = Field(10_000, description="Most rows in one prediction request.")

    @field_validator("issue_days", "validation_days")
    @classmethod
    def _complete(cls, given: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        """What is not named keeps its default."""
        known: dict[str, int] = cls.model_fields[str(info.field_name)].default
        if unknown := given.keys() - known.keys():
            raise ValueError(f"{', '.join(sorted(unknown))}: there are {', '.join(known)}")
        return {**known, **given}

    @model_validator(mode="after")
    def _keeps_its_own_data(self) -> Self:
        """What trains reads nothing of the service's."""
        own = self.data_dir.resolve()
        for pipeline, training in self.train_twice.items():
            for path in map(Path, training.read):
                if own.is_relative_to(path.resolve()) or path.resolve().is_relative_to(own):
                    raise ValueError(f"train_twice.{pipeline}.read: {path} holds the service's own data")
        return self

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Half of a configuration for sign-in would look like one, and let nobody in."""
        needed = {name: getattr(self, name) for name in ("oidc_issuer", "oidc_client_id", "oidc_roles")}
        needed["oidc_roles"] = needed["oidc_roles"] or self.oidc_teams
        given = any(needed.values()) or bool(self.oidc_client_secret.get_secret_value())
        if given and (missing := [f"ASSAY_{name.upper()}" for name, value in needed.items() if not value]):
            raise ValueError(f"sign-in by OpenID Connect: {', '.join(missing)} missing")
        if "openid" not in self.oidc_scopes:
            raise ValueError('ASSAY_OIDC_SCOPES: "openid" missing')
        return self

    @property
    def sqlalchemy_url(self) -> str:
        """The database's URL with its driver; ``postgresql://`` means psycopg 3."""
        url = self.database_url or f"sqlite:///{self.database_file}"
        scheme, _, rest = url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in {"postgresql", "postgres"} else url

    @property
    def whereabouts(self) -> dict[str, str]:
        """The environment by which another process of ours finds the same database and blobs."""
        return {"ASSAY_DATA_DIR": str(self.data_dir.resolve()), "ASSAY_DATABASE_URL": self.database_url}

    @property
    def database_file(self) -> Path:
        """Where the embedded database lies, unless ``database_url`` names another."""
        return self.data_dir.resolve() / "assay.sqlite3"

    @property
    def engines_folder(self) -> Path:
        return (self.engines_dir or ROOT / ".engines").resolve()

    @property
    def blob_dir(self) -> Path:
        return self.data_dir.resolve() / "blobs"

    @property
    def key_dir(self) -> Path:
        """Private keys, unless ``signing_key_file`` names another place."""
        return self.data_dir.resolve() / "keys"

    @property
    def spool_dir(self) -> Path:
        """Predictions that were answered and are not in the database yet."""
        return self.data_dir.resolve() / "spool"

    @property
    def work_dir(self) -> Path:
        """Scratch space of inspections and audits; safe to empty while nothing runs."""
        return self.data_dir.resolve() / "work"
