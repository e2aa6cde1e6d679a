"""Who may call which route, and what becomes of another team's things there: written by hand, one line a route.

A route that is not here fails tests/access/test_matrix.py.
"""

from __future__ import annotations

from dataclasses import dataclass

ROLES = ("viewer", "client", "ci", "reviewer", "owner", "admin")

WHO = {
    "anybody": "",
    "readers": "viewer ci reviewer owner admin",
    "makers": "ci owner admin",
    "owners": "owner admin",
    "handers": "ci reviewer owner admin",
    "askers": "client ci owner admin",
    "attesters": "reviewer owner admin",
    "acceptors": "reviewer admin",
    "admins": "admin",
    "granted": "",
    "people": "",
}
"""``anybody`` needs no token; ``granted`` a scope that no role carries (tests/monitoring/personal); ``people`` a
browser's session (tests/access/test_own_tokens.py)."""

# What it is about:
#   theirs   a thing of one team: of another team's it is 404, and nothing changes
#   list     many teams' things: those of others are not in it
#   shared   nobody's in particular, or the organisation's: the same for every team
#   hidden   the organisation's, which whoever is bound to a team does not find
#   names    takes a name that another team may have taken: 409
TABLE = """
PUT    /api/v1/blobs/{digest}                                               handers    shared
HEAD   /api/v1/blobs/{digest}                                               handers    shared
POST   /api/v1/registrations                                                makers     names
GET    /api/v1/models                                                       readers    list
GET    /api/v1/models/{model}                                               readers    theirs
GET    /api/v1/models/{model}/versions                                      readers    theirs
GET    /api/v1/models/{model}/versions/{version}                            readers    theirs
GET    /api/v1/datasets                                                     readers    list
GET    /api/v1/pipelines                                                    readers    list
PUT    /api/v1/pipelines/{pipeline}                                         makers     names
GET    /api/v1/pipelines/{pipeline}                                         readers    theirs
POST   /api/v1/models/{model}/versions/{version}/evidence                   handers    theirs
GET    /api/v1/models/{model}/versions/{version}/evidence                   readers    theirs
GET    /api/v1/evidence/{evidence_id}/content                               readers    theirs
POST   /api/v1/models/{model}/versions/{version}/attestations               attesters  theirs
GET    /api/v1/models/{model}/versions/{version}/attestations               readers    theirs
POST   /api/v1/audits                                                       handers    theirs
GET    /api/v1/audits                                                       readers    list
GET    /api/v1/audits/{audit_id}                                            readers    theirs
GET    /api/v1/audits/{audit_id}/findings                                   readers    theirs
POST   /api/v1/audits/{audit_id}/cancel                                     handers    theirs
POST   /api/v1/audits/{audit_id}/retry                                      handers    theirs
GET    /api/v1/findings/{finding_id}                                        readers    theirs
GET    /api/v1/schedules                                                    readers    list
PUT    /api/v1/schedules                                                    handers    theirs
GET    /api/v1/schedules/{schedule_id}                                      readers    theirs
PATCH  /api/v1/schedules/{schedule_id}                                      handers    theirs
POST   /api/v1/schedules/{schedule_id}/pause                                handers    theirs
POST   /api/v1/schedules/{schedule_id}/resume                               handers    theirs
POST   /api/v1/schedules/{schedule_id}/run                                  handers    theirs
GET    /api/v1/schedules/{schedule_id}/slots                                readers    theirs
GET    /api/v1/models/{model}/versions/{version}/scorecard                  readers    theirs
GET    /api/v1/fleet                                                        readers    list
POST   /api/v1/gate/evaluations                                             handers    theirs
GET    /api/v1/gate/evaluations                                             readers    list
GET    /api/v1/gate/evaluations/{decision_id}                               readers    theirs
GET    /api/v1/gate/evaluations/{decision_id}/replay                        readers    theirs
GET    /api/v1/gate/evaluations/{decision_id}/envelope                      readers    theirs
POST   /api/v1/gate/evaluations/{decision_id}/consume                       makers     theirs
GET    /api/v1/policies                                                     readers    list
GET    /api/v1/policies/{name}                                              readers    shared
GET    /api/v1/policies/{environment}/effective                             readers    theirs
GET    /api/v1/policies/{name}/versions                                     readers    shared
PUT    /api/v1/policies/{name}                                              admins     shared
GET    /api/v1/models/{model}/policy                                        readers    theirs
PUT    /api/v1/models/{model}/policy                                        admins     theirs
POST   /api/v1/models/{model}/acceptances                                   attesters  theirs
GET    /api/v1/models/{model}/acceptances                                   readers    theirs
POST   /api/v1/acceptances/{acceptance_id}/agreement                        acceptors  theirs
POST   /api/v1/acceptances/{acceptance_id}/revocation                       attesters  theirs
POST   /api/v1/models/{model}/waivers                                       attesters  theirs
GET    /api/v1/models/{model}/waivers                                       readers    theirs
POST   /api/v1/waivers/{waiver_id}/approval                                 attesters  theirs
POST   /api/v1/waivers/{waiver_id}/revocation                               attesters  theirs
POST   /api/v1/models/{model}/versions/{version}/approvals                  attesters  theirs
GET    /api/v1/models/{model}/approvals                                     readers    theirs
POST   /api/v1/approvals/{approval_id}/revocation                           attesters  theirs
POST   /api/v1/policy-comparisons                                           readers    theirs
POST   /api/v1/policy-trials                                                readers    list
GET    /api/v1/issues                                                       readers    list
GET    /api/v1/issues/{issue_id}                                            readers    theirs
POST   /api/v1/models/{model}/issues                                        attesters  theirs
PATCH  /api/v1/issues/{issue_id}                                            attesters  theirs
POST   /api/v1/issues/{issue_id}/resolution                                 attesters  theirs
POST   /api/v1/issues/{issue_id}/closure                                    acceptors  theirs
POST   /api/v1/issues/{issue_id}/reopening                                  attesters  theirs
POST   /api/v1/models/{model}/validations                                   acceptors  theirs
GET    /api/v1/models/{model}/validations                                   readers    theirs
POST   /api/v1/models/{model}/retirement                                    owners     theirs
POST   /api/v1/models/{model}/retirement/undoing                            owners     theirs
GET    /api/v1/inventory                                                    readers    list
POST   /api/v1/predictions                                                  handers    theirs
GET    /api/v1/predictions/{model}/{prediction_id}                          readers    theirs
POST   /api/v1/predictions/disclosures                                      granted    theirs
POST   /api/v1/predictions/deletions                                        admins     theirs
POST   /api/v1/labels                                                       handers    theirs
POST   /api/v1/labels/file                                                  handers    theirs
GET    /api/v1/labels/{model}/{prediction_id}                               readers    theirs
GET    /api/v1/traffic                                                      readers    theirs
POST   /api/v1/deployments                                                  makers     theirs
GET    /api/v1/deployments                                                  readers    list
POST   /api/v1/deployments/rollback                                         makers     theirs
POST   /api/v1/deployments/drills                                           makers     theirs
GET    /api/v1/deployments/drills                                           readers    theirs
GET    /api/v1/deployments/{deployment_id}                                  readers    theirs
POST   /api/v1/deployments/{deployment_id}/stop                             makers     theirs
POST   /api/v1/deployments/{deployment_id}/review                           attesters  theirs
POST   /api/v1/ledger/events                                                handers    shared
GET    /api/v1/ledger/events                                                readers    list
GET    /api/v1/ledger                                                       readers    list
GET    /api/v1/models/{model}/ledger                                        readers    theirs
GET    /api/v1/delivery-metrics                                             readers    list
GET    /api/v1/models/{model}/delivery-metrics                              readers    theirs
GET    /api/v1/products                                                     readers    list
GET    /api/v1/pipelines/{pipeline}/experiments                             readers    theirs
GET    /api/v1/pipelines/{pipeline}/experiments/diff                        readers    theirs
GET    /api/v1/pipelines/{pipeline}/scorecard                               readers    theirs
GET    /api/v1/pipelines/{pipeline}/runs                                    readers    theirs
PUT    /api/v1/pipelines/{pipeline}/trainer                                 makers     theirs
GET    /api/v1/pipelines/{pipeline}/trainer                                 readers    theirs
DELETE /api/v1/pipelines/{pipeline}/trainer                                 makers     theirs
POST   /api/v1/pipelines/{pipeline}/training-requests                       makers     theirs
GET    /api/v1/training-requests                                            readers    list
GET    /api/v1/training-requests/{request_id}                               readers    theirs
POST   /api/v1/connections                                                  admins     shared
GET    /api/v1/connections                                                  readers    list
GET    /api/v1/connections/{name}                                           readers    hidden
GET    /api/v1/connections/{name}/messages                                  readers    hidden
POST   /api/v1/connections/{name}/rotate                                    admins     shared
DELETE /api/v1/connections/{name}                                           admins     shared
POST   /api/v1/dependencies                                                 handers    theirs
GET    /api/v1/dependencies                                                 readers    list
POST   /api/v1/models/{model}/endpoints                                     makers     theirs
GET    /api/v1/models/{model}/endpoints                                     readers    theirs
GET    /api/v1/endpoints/{endpoint_id}                                      readers    theirs
GET    /api/v1/endpoints/{endpoint_id}/probes                               readers    theirs
DELETE /api/v1/endpoints/{endpoint_id}                                      makers     theirs
GET    /api/v1/alerts                                                       readers    list
GET    /api/v1/alerts/{alert_id}                                            readers    theirs
POST   /api/v1/alerts/{alert_id}/acknowledge                                attesters  theirs
GET    /api/v1/alert-deliveries                                             readers    list
POST   /api/v1/alert-deliveries/{delivery_id}/retry                         attesters  theirs
POST   /api/v1/subscriptions                                                attesters  theirs
GET    /api/v1/subscriptions                                                attesters  list
GET    /api/v1/subscriptions/{subscription_id}                              attesters  theirs
DELETE /api/v1/subscriptions/{subscription_id}                              attesters  theirs
POST   /api/v1/subscriptions/{subscription_id}/test                         attesters  theirs
GET    /api/v1/me                                                           readers    shared
POST   /api/v1/tokens                                                       admins     shared
GET    /api/v1/tokens                                                       admins     shared
DELETE /api/v1/tokens/{token_id}                                            admins     shared
POST   /api/v1/tokens/{token_id}/rotation                                   admins     shared
POST   /api/v1/trusts                                                       admins     shared
GET    /api/v1/trusts                                                       admins     shared
DELETE /api/v1/trusts/{trust_id}                                            admins     shared
POST   /api/v1/token                                                        anybody    shared
POST   /api/v1/teams                                                        admins     shared
GET    /api/v1/teams                                                        readers    list
PUT    /api/v1/teams/{team}/members                                         admins     shared
DELETE /api/v1/teams/{team}/members                                         admins     shared
PUT    /api/v1/teams/{team}/grants                                          admins     shared
DELETE /api/v1/teams/{team}/grants                                          admins     shared
PUT    /api/v1/models/{model}/team                                          admins     theirs
PUT    /api/v1/pipelines/{pipeline}/team                                    admins     theirs
GET    /api/v1/audit-log                                                    admins     shared
GET    /api/v1/audit-log/verification                                       admins     shared
GET    /api/v1/keys                                                         readers    shared
GET    /api/v1/openapi.json                                                 readers    shared
GET    /health/live                                                         anybody    shared
GET    /health/ready                                                        anybody    shared
GET    /metrics                                                             readers    hidden
GET    /badges/{model}.json                                                 readers    theirs
GET    /badges/{model}.svg                                                  readers    theirs
GET    /sign-in                                                             anybody    shared
POST   /sign-in                                                             anybody    shared
GET    /sign-in/oidc                                                        anybody    shared
GET    /sign-in/oidc/callback                                               anybody    shared
POST   /sign-out                                                            readers    shared
GET    /account                                                             readers    shared
POST   /account/tokens                                                      people     shared
POST   /account/tokens/{token_id}/revocation                                readers    shared
POST   /hooks/{name}                                                        anybody    shared
GET    /v2                                                                  askers     shared
GET    /v2/health/live                                                      anybody    shared
GET    /v2/health/ready                                                     anybody    shared
GET    /v2/models/{model}                                                   askers     theirs
GET    /v2/models/{model}/versions/{version}                                askers     theirs
GET    /v2/models/{model}/ready                                             askers     theirs
GET    /v2/models/{model}/versions/{version}/ready                          askers     theirs
POST   /v2/models/{model}/infer                                             askers     theirs
POST   /v2/models/{model}/versions/{version}/infer                          askers     theirs
GET    /environments/{environment}/v2                                       askers     shared
GET    /environments/{environment}/v2/health/live                           anybody    shared
GET    /environments/{environment}/v2/health/ready                          anybody    shared
GET    /environments/{environment}/v2/models/{model}                        askers     theirs
GET    /environments/{environment}/v2/models/{model}/versions/{version}     askers     theirs
GET    /environments/{environment}/v2/models/{model}/ready                  askers     theirs
GET    /environments/{environment}/v2/models/{model}/versions/{version}/ready  askers  theirs
POST   /environments/{environment}/v2/models/{model}/infer                  askers     theirs
POST   /environments/{environment}/v2/models/{model}/versions/{version}/infer  askers  theirs
GET    /                                                                    readers    list
GET    /models/{model}                                                      readers    theirs
GET    /models/{model}/serving                                              readers    theirs
GET    /models/{model}/ledger                                               readers    theirs
GET    /models/{model}/delivery                                             readers    theirs
GET    /models/{model}/versions/{version}                                   readers    theirs
GET    /pipelines                                                           readers    list
GET    /pipelines/{pipeline}                                                readers    theirs
GET    /delivery                                                            readers    list
GET    /findings/{finding_id}                                               readers    theirs
GET    /findings/{finding_id}/exhibits/{number}                             readers    theirs
GET    /attestations/{attestation_id}/file                                  readers    theirs
GET    /audits/{audit_id}                                                   readers    theirs
GET    /decisions/{decision_id}                                             readers    theirs
GET    /connections                                                         readers    list
GET    /alerts                                                              readers    list
GET    /issues                                                              readers    list
GET    /issues/{issue_id}                                                   readers    theirs
GET    /checks                                                              readers    shared
GET    /checks/{test_id}                                                    readers    shared
"""


@dataclass(frozen=True)
class Line:
    method: str
    path: str
    who: str
    what: str

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(WHO[self.who].split())

    @property
    def reads(self) -> bool:
        """Whether a viewer may; what a viewer was granted is then there too."""
        return self.who == "readers"


LINES = [Line(*line.split()) for line in TABLE.strip().splitlines()]
