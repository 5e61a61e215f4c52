"""A real SoftHSM2."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from tests.contract.key_services import base
from tests.contract.key_services.softhsm import PIN, TOKEN, softhsm

LABELS = {"RS256": "rsa", "PS256": "rsa", "RS512": "rsa", "ES256": "p256", "ES384": "p384"}


def pin() -> str:
    """What a person would type."""
    return PIN


class World(base.World):
    """A token with non-extractable keys that were made inside it."""

    scheme: ClassVar[str] = "pkcs11"
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "PS256", "RS512", "ES256", "ES384")
    library: ClassVar[str | None] = "pkcs11"
    password = staticmethod(pin)
    without: ClassVar[dict[str, str]] = {
        "throttled": "a token has no quota", "denied": "who has the PIN may sign", "wrong_version": "its keys have none",
        "garbled": "it is a real one; test_first_signature_is_checked has the key that is another",
    }  # fmt: skip

    def __enter__(self) -> World:
        self.hsm = softhsm()
        return self

    def uri(self, algorithm: str) -> str:
        """By label."""
        return f"pkcs11:token={quote(TOKEN)};object={LABELS[algorithm]}?module-path={self.hsm.driver}"

    def public_pem(self, algorithm: str) -> str:
        """As the token tells the test."""
        import pkcs11
        from pkcs11.util import ec, rsa

        session = self.hsm.library.get_token(token_label=TOKEN).open()
        found = session.get_key(pkcs11.ObjectClass.PUBLIC_KEY, label=LABELS[algorithm])
        encode: Any = rsa.encode_rsa_public_key if found.key_type == pkcs11.KeyType.RSA else ec.encode_ec_public_key
        der = load_der_public_key(encode(found))
        session.close()
        return der.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """The driver hangs in another call."""
        from sa_auth.signers.pkcs11 import _TURNS

        with _TURNS.setdefault((os.getpid(), self.hsm.driver), threading.Lock()):
            yield

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """The token is pulled out, and put in again."""
        tokens = self.hsm.folder / "tokens"
        with self._changed():
            tokens.rename(tokens.with_name("pulled"))
            tokens.mkdir()
        yield
        with self._changed():
            tokens.rmdir()
            tokens.with_name("pulled").rename(tokens)

    @contextlib.contextmanager
    def not_found(self) -> Iterator[None]:
        """The key has another name for a while."""
        self._rename("rsa", "other")
        yield
        self._rename("other", "rsa")

    def _rename(self, label: str, other: str) -> None:
        import pkcs11

        for _ in range(2):  # nobody is signed in before, nor afterwards
            with self._changed():
                pass
            if label:
                with self.hsm.library.get_token(token_label=TOKEN).open(user_pin=PIN, rw=True) as session:
                    session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, label=label)[pkcs11.Attribute.LABEL] = other
            label = ""

    @contextlib.contextmanager
    def _changed(self) -> Iterator[None]:
        """No session outlives it."""
        self.hsm.library.finalize()
        yield
        self.hsm.library.initialize()
