"""What goes in and out about trusts and the exchange of tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.access.identity import Scope
from app.access.oidc.verification import LONGEST_TOKEN
from app.access.schemas import printable
from app.access.service import MAX_NAME

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(printable)]


class TrustIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "deploy of credit",
                    "issuer": "https://token.actions.githubusercontent.com",
                    "claims": {"repository": "acme/credit", "environment": "production"},
                    "teams": ["credit"],
                }
            ]
        },
    )

    name: Annotated[Name, Field(description="What the audit log calls whoever it lets in.")]
    issuer: Annotated[str, Field(max_length=2000, description="One of ASSAY_OIDC_CI_ISSUERS, to the letter.")]
    claims: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=100)], Annotated[str, Field(max_length=500)]],
        Field(
            min_length=1,
            max_length=20,
            description="All of these must fit; * stands for anything but / and :, ** for anything.",
        ),
    ]
    scopes: Annotated[
        list[Scope] | None, Field(min_length=1, description="A part of what the role ci carries; null: all of it.")
    ] = None
    teams: Annotated[
        list[Annotated[str, Field(max_length=MAX_NAME)]],
        Field(max_length=100, description="It is bound to these; none: the whole organisation's."),
    ] = []


class TrustOut(BaseModel):
    id: int
    name: str
    issuer: str
    claims: dict[str, str]
    scopes: list[str]
    bound: Annotated[bool, Field(description="To the teams that it is a member of.")]
    created_by: str
    created_at: datetime
    revoked_at: datetime | None


class ExchangeIn(BaseModel):
    """RFC 8693, of which the members named here are read."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
    subject_token: Annotated[
        str, Field(max_length=LONGEST_TOKEN, description="The pipeline's OpenID Connect token.")
    ]
    subject_token_type: Literal["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"]
    scope: Annotated[
        str | None, Field(max_length=500, description="A part of what the trust gives, parted by blanks.")
    ] = None


class ExchangeOut(BaseModel):
    access_token: Annotated[str, Field(description='To be sent as "Authorization: Bearer ...".')]
    issued_token_type: Literal["urn:ietf:params:oauth:token-type:access_token"] = (
        "urn:ietf:params:oauth:token-type:access_token"
    )
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: Annotated[int, Field(description="Seconds.")]
    scope: str
