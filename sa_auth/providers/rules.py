"""A vendor's own rules, held against the face's arguments before anything is sent.

Rule: each refusal names the vendor and its rule, and says what to do. Stands under `making`.
"""

from __future__ import annotations

from ..errors import ConfigError
from ..settings import Settings
from ..signers.base import Signer
from ..signers.chosen import ChosenAlgorithm
from .base import Provider

_KEYS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "an RSA key"),
    "ES256": "a P-256 key", "ES384": "a P-384 key", "ES512": "a P-521 key", "EdDSA": "an Ed25519 key",
}  # fmt: skip


def check_settings(provider: Provider, settings: Settings) -> None:
    """Refuses what the vendor does not take.

    Args:
        provider: What it wants.
        settings: The face's arguments.

    Raises:
        ConfigError: `bad_lifetime`, `no_subject`, `bad_subject`, `no_scope`, `no_key_id`, `no_certificate`.
    """
    name = provider.page.title or provider.name
    lifetime = settings.lifetime
    if lifetime is not None and provider.longest is not None and lifetime > provider.longest:
        raise ConfigError(
            f"{name} takes assertions of at most {provider.longest} s.", code="bad_lifetime",
            hint=f"Leave lifetime= out (the default is {provider.lifetime} s), or set less.",
        )  # fmt: skip
    _check_subject(provider, settings, name)
    if provider.scope_needed and not settings.scope:
        raise ConfigError(f"{name} wants a scope.", code="no_scope", hint=f"Pass scope=. {provider.scope_hint}".strip())
    if settings.signer is not None:
        _check_key(provider, settings.signer, name)


def _check_subject(provider: Provider, settings: Settings, name: str) -> None:
    rule, given = provider.subject, settings.subject
    if rule in {"required", "address"} and given is None:
        raise ConfigError(
            f"{name} wants a subject: there is no form of this sign-in without one.", code="no_subject",
            hint=f"Pass subject=. {provider.subject_hint}".strip(),
        )  # fmt: skip
    if rule in {"none", "issuer"} and given not in {None, settings.issuer}:
        raise ConfigError(
            f"{name} has no way to act for a subject with this sign-in.", code="bad_subject",
            hint=provider.subject_hint or "Leave subject= out.",
        )  # fmt: skip


def _check_key(provider: Provider, signer: Signer, name: str) -> None:
    if provider.key_id and signer.key_id is None:
        raise ConfigError(
            f"{name} wants the id of the key (kid).", code="no_key_id",
            hint=f"Pass key_id=. {provider.key_id_hint or 'The console shows it beside the public key.'}",
        )  # fmt: skip
    if provider.certificate:
        failure = None
        try:
            signer.certificate_field("x5t#S256")
        except ConfigError:
            failure = ConfigError(
                f"{name} wants the thumbprint of the key's certificate, and the key has none.", code="no_certificate",
                hint="Pass certificate= beside the key, or a PEM or PFX that holds both.",
            )  # fmt: skip
        if failure is not None:
            raise failure


def signer_for(provider: Provider, settings: Settings) -> Signer | None:
    """The signer by an algorithm that the vendor takes; the caller's own choice goes first.

    Args:
        provider: What the vendor takes.
        settings: The key, and what the caller chose.

    Raises:
        ConfigError: the key, or the choice, is of a kind that the vendor does not take.
    """
    signer, takes = settings.signer, provider.algorithms
    if signer is None or not takes:
        return signer
    key = getattr(signer, "key", None)
    remote = getattr(signer, "by", None)  # of a key that is elsewhere
    can = (key if remote is None else signer).algorithms if key is not None or remote else (signer.algorithm,)  # type: ignore[union-attr]
    # What a JWK says of itself was said where its public half was registered too.
    own = key is not None and signer.algorithm != key.algorithms[0]
    wanted = (signer.algorithm,) if settings.algorithm is not None else (signer.algorithm, *takes) if own else takes
    best = next((algorithm for algorithm in wanted if algorithm in can and algorithm in takes), None)
    if best is None:
        raise ConfigError(
            f"{provider.page.title or provider.name} does not take {signer.algorithm}.", code="bad_algorithm",
            # A key that could sign so was told not to.
            hint=f"It takes {', '.join(takes)}: "
            + ("leave algorithm= out." if set(can) & set(takes) else f"pass {' or '.join(dict.fromkeys(_KEYS[one] for one in takes))}."),
        )  # fmt: skip
    if remote is not None:
        return signer if best == signer.algorithm else remote(best)
    if key is None or (best == signer.algorithm and not hasattr(signer, "current")):
        return signer
    # Also for one that signs so already, where its file's key may become one of another kind.
    return ChosenAlgorithm(signer, [one for one in wanted if one in takes])
