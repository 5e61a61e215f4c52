"""The certificate that a transport is given: a look at it that loads nothing.

Rule: anything with the acts of a `keys.Key` will do. Source: RFC 8705 section 3.1 for the thumbprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..keys import Key


class Presenter:
    """What transports have in common that may present a certificate.

    Args:
        certificate: A key with its certificate; None: nothing is presented.

    Raises:
        ConfigError: `certificate` is no key, or has no certificate.
    """

    __slots__ = ("_certificate", "_thumbprint")

    def __init__(self, certificate: Key | None) -> None:
        self._thumbprint = thumbprint_of(certificate)
        self._certificate = certificate

    @property
    def certificate(self) -> Key | None:
        """What is presented; None: nothing."""
        return self._certificate

    @property
    def certificate_thumbprint(self) -> str:
        """The certificate's x5t#S256 (RFC 8705 section 3.1); "" where there is none."""
        return self._thumbprint


def thumbprint_of(certificate: Any) -> str:
    """The x5t#S256 of a key's own certificate, base64url without padding; "" for None.

    Raises:
        ConfigError: `bad_argument`, it is no key; `no_certificate`, it has no certificate.
    """
    if certificate is None:
        return ""
    if not hasattr(certificate, "private_key") or not hasattr(certificate, "certificates"):
        raise ConfigError(
            f"certificate is of type {type(certificate).__name__}, and no key.", code="bad_argument",
            hint="TLS proves that the private key is there, so it takes both: "
            "certificate=keys.from_pem(KEY, certificate=PATH), or keys.from_pfx(PATH, password=...).",
        )  # fmt: skip
    thumbprint: str = certificate.x5t_s256
    return thumbprint


def stays_here(what: str) -> ConfigError:
    """The error of whatever holds a key and is to be pickled."""
    return ConfigError(
        f"{what} with a certificate is not pickled: its private key does not travel.", code="not_picklable",
        hint="Make it where it is used, from the key's path or an environment variable.",
    )  # fmt: skip
