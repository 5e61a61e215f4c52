"""What an authority was told to demand, as one value per request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What is demanded of a request.

    Attributes:
        audiences: The strings that name the authority to a grant.
        saml_audiences: The strings that name it to a SAML assertion.
        endpoints: The URLs of its token endpoint.
        client_audiences: The strings that name it to a client's proof.
        sole_audience: Whether a client's proof has to name it alone, and as a plain string.
        leeway: Seconds by which the clocks may differ.
        max_lifetime: Seconds that an assertion may live at most.
        require_jti: Whether every grant needs a `jti`.
        require_subject: Whether every grant needs a `sub`.
        proof_window: Seconds that a DPoP proof may be old.
        rotates: Whether a refresh token is used up by its use.
        resources: The resources that tokens are issued for; None: any.
        own_bearer: Whether the REST exchange takes a token of the authority's own as the bearer, and no JWT.
        self_signed: The audience by which the API takes a self-signed JWT; None: it takes none.
    """

    audiences: tuple[str, ...]
    saml_audiences: tuple[str, ...]
    endpoints: tuple[str, ...]
    client_audiences: tuple[str, ...]
    sole_audience: bool
    leeway: float
    max_lifetime: float
    require_jti: bool
    require_subject: bool
    proof_window: float
    rotates: bool
    resources: frozenset[str] | None
    self_signed: str | None
    own_bearer: bool = False
