"""Proofs that the sender of a token holds a key (DPoP): one per request, by a key that the token is bound to.

Rule: a proof is made for one method, one address and one moment, and never sent twice. The newest nonce of each origin
is kept. Stands beside the assertions: an exchange and an API call both put its proofs on their requests.
Source: RFC 9449 sections 4.2, 7, 8 and 9.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from ._clock import Clock
from ._encoding import b64url, compact_json
from ._fixed import Fixed
from .errors import ConfigError, SaAuthError, SigningError
from .server_clock import ServerClock
from .signers.base import Signer

HEADER, NONCE = "DPoP", "dpop-nonce"
# RFC 9449 section 8.1: nonce = 1*NQCHAR; the length is our own bound.
_NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,4096}")
_MOST_ORIGINS = 1000
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 section 6: they never go into a header
_PORTS = {"https": 443, "http": 80}


class DPoP(Fixed):
    """Makes proofs by one key.

    Args:
        signer: The key; its algorithm is asymmetric.
        throw_away: Whether the key was made for this process alone, so that no other could use its tokens.

    Raises:
        ConfigError: it is no signer of that kind.

    Example:
        >>> from sa_auth.keys import from_pem
        >>> from sa_auth.signers import LocalSigner
        >>> from sa_auth.testing import new_key
        >>> dpop = DPoP(LocalSigner(from_pem(new_key("p256")[0])))
        >>> dpop.proof("GET", "https://api.example/files?page=2", 1_700_000_000, token="abc").count(".")
        2
    """

    __slots__ = ("_nonces", "signer", "throw_away")

    signer: Signer
    throw_away: bool
    _nonces: dict[str, str]

    def __init__(self, signer: Signer, *, throw_away: bool = False) -> None:
        if not isinstance(signer, Signer) or signer.algorithm.upper().startswith(("HS", "NONE")):
            raise ConfigError(
                "dpop= is no key of an asymmetric algorithm.", code="bad_argument",
                hint="True for the service account's own key, keys.from_pem(...) for another, or 'ephemeral'.",
            )  # fmt: skip
        # Of a key file that may be replaced, the key of this moment: a token stays bound to the key it was asked for by,
        # and has to be of use while the new key is not.
        self._fix(signer=getattr(signer, "current", signer), throw_away=throw_away, _nonces={})

    @property
    def thumbprint(self) -> str:
        """RFC 7638 thumbprint of the key, which the server binds the token to."""
        return self.signer.thumbprint

    def proof(self, method: str, url: str, now: float, *, token: str | None = None) -> str:
        """Signs a proof for one request.

        Args:
            method: The HTTP method.
            url: Where the request goes; query and fragment are left out of the proof.
            now: Unix seconds.
            token: The access token that goes with it; None at the token endpoint.

        Raises:
            SigningError: the key or its service could not sign.
        """
        signer = self.signer
        jwk = dict(signer.public_jwk())
        if _PRIVATE & jwk.keys():
            raise SigningError(
                "The signer gave more than the public half of its key.", hint="public_jwk() has no private member."
            )
        header = {"typ": "dpop+jwt", "alg": signer.algorithm, "jwk": jwk}
        payload: dict[str, Any] = {
            "jti": b64url(os.urandom(16)), "htm": method, "htu": re.split(r"[?#]", url, maxsplit=1)[0], "iat": math.floor(now),
        }  # fmt: skip
        if token is not None:
            payload["ath"] = b64url(hashlib.sha256(token.encode("ascii")).digest())
        nonce = self._nonces.get(origin(url))
        if nonce is not None:
            payload["nonce"] = nonce
        content = f"{b64url(compact_json(header))}.{b64url(compact_json(payload))}"
        return f"{content}.{b64url(signer.sign(content.encode('ascii')))}"

    def learn(self, url: str, headers: Mapping[str, str]) -> bool:
        """Keeps the nonce that a reply brought, for the origin it came from.

        Args:
            url: Where the request went.
            headers: Of the reply; names in lower case, or in any where the mapping does not mind.

        Returns:
            Whether there was one.
        """
        nonce = headers.get(NONCE)
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            return False
        where = origin(url)
        if len(self._nonces) >= _MOST_ORIGINS and where not in self._nonces:
            self._nonces.clear()  # each costs one more round trip at most
        self._nonces[where] = nonce
        return True

    def _told(self) -> str:
        return f"{self.signer.algorithm}{', throw-away' if self.throw_away else ''}"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "A DPoP key in memory is not pickled.", code="not_picklable",
            hint="dpop=True with credentials made from_file() or from_env() travels by name.",
        )  # fmt: skip


class Proofs:
    """Makes the proofs that go with API calls, by the time of whoever asked for the token.

    Args:
        dpop: Signs them.
        clock: Where time comes from.
        server_clock: What is known of the server's clock.
    """

    __slots__ = ("_clock", "_dpop", "_server_clock")

    def __init__(self, dpop: DPoP, clock: Clock, server_clock: ServerClock) -> None:
        self._dpop, self._clock, self._server_clock = dpop, clock, server_clock

    def proof(self, method: str, url: str, token: str) -> str:
        """Signs the `DPoP` header field of one call.

        Args:
            method: The HTTP method.
            url: Where the call goes.
            token: The access token that goes with it.

        Raises:
            SigningError: the key or its service could not sign.
        """
        now = self._clock.now()
        failure: SaAuthError
        try:
            return self._dpop.proof(method, url, now.wall + self._server_clock.skew(now), token=token)
        except SaAuthError as error:
            failure = error.copy()
        except Exception as error:  # noqa: BLE001 - a signer of the caller's own may raise anything
            failure = SigningError(
                f"No proof could be made: {type(error).__name__} was raised.",
                hint="The method, address or token is no text of a request; or the signer failed without a SigningError.",
            )
        del token  # raised out here, as a copy: the frames that made the proof hold the token
        raise failure

    def learn(self, url: str, headers: Mapping[str, str]) -> bool:
        """Keeps the nonce that a reply brought; see `DPoP.learn`. What is no address or no headers brings none."""
        try:
            # Python 3.10 finds an address in an empty list.
            return isinstance(url, str) and self._dpop.learn(url, headers)
        except (AttributeError, TypeError, ValueError):
            return False


def origin(url: str) -> str:
    """Scheme, host and port, in one spelling (RFC 9110 section 4.2.3).

    Example:
        >>> origin("HTTPS://API.example:443/x") == origin("https://api.example")
        True
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return f"{scheme}://{parts.hostname or ''}:{parts.port or _PORTS.get(scheme, '')}"
