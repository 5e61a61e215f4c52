"""A key in a PKCS#11 token: an HSM, a smart card, SoftHSM. Needs `python-pkcs11`.

Rule: one call at a time for each driver, which is told of no threads; a PIN that was wrong is not tried again by itself,
since that locks the token. Stands under `RemoteSigner`. Source: PKCS #11 v3.1, RFC 7512.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import pkcs11
from pkcs11.util import ec, rsa

from .._clock import SYSTEM, Deadline
from .._forks import around
from .._loading import load
from .._secret import Password, Secret, open_password
from ..errors import SaAuthError, SigningError
from . import pkcs11_uri
from .calling import PerProcess
from .service import KeyService, failed, no_answer, not_found, unavailable, unfit

_HASHES = {"256": "SHA256", "384": "SHA384", "512": "SHA512"}
_LOST = (
    pkcs11.DeviceError, pkcs11.DeviceMemory, pkcs11.DeviceRemoved, pkcs11.FunctionFailed, pkcs11.GeneralError,
    pkcs11.KeyHandleInvalid, pkcs11.ObjectHandleInvalid, pkcs11.OperationActive, pkcs11.SessionClosed,
    pkcs11.SessionCount, pkcs11.SessionHandleInvalid, pkcs11.SlotIDInvalid, pkcs11.TokenNotPresent,
    pkcs11.UserNotLoggedIn,
)  # fmt: skip
_UNFIT = (
    pkcs11.AttributeValueInvalid, pkcs11.FunctionNotSupported, pkcs11.KeySizeRange, pkcs11.KeyTypeInconsistent,
    pkcs11.MechanismInvalid, pkcs11.MechanismParamInvalid,
)  # fmt: skip
# By process and driver: whose turn it is. python-pkcs11 calls C_Initialize without arguments, which promises the driver
# that threads do not call it at once.
_TURNS: dict[tuple[int, str], threading.Lock] = {}
_LOADED_BY: dict[str, int] = {}
_FORK_WAITS = 0.5  # seconds


def _hold() -> None:
    """Lets the calls that are under way end, before a fork that would copy a driver in the middle of one."""
    deadline = Deadline(SYSTEM, _FORK_WAITS)
    turns = [turn for (process, _), turn in list(_TURNS.items()) if process == os.getpid()]
    _HELD.extend(turn for turn in turns if turn.acquire(timeout=max(deadline.left(), 0.0)))


def _release() -> None:
    while _HELD:
        _HELD.pop().release()


_HELD: list[threading.Lock] = []
around(_hold, _release, _HELD.clear)

# Keyed hashes of PINs that a token has refused, so that no renewal in the background spends the next try.
_REFUSED: set[bytes] = set()
Got = TypeVar("Got")
_SALT = os.urandom(16)


class PKCS11Key(KeyService):
    """One key of a token.

    What the PIN's user needs: a private key with CKA_SIGN, and the public key beside it (same CKA_ID, else the same
    label), or `certificate=`. The key need not be extractable, and should not be.

    Args:
        uri: `pkcs11:token=LABEL;object=LABEL?module-path=DRIVER` (RFC 7512), with any of token, serial, manufacturer,
            model, slot-id; object, id; module-path (else the variable PKCS11_MODULE_PATH), pin-source=file:/path.
        password: The PIN, or a function that asks for it each time the process signs in to the token. Where the reader has a
            keypad of its own, none.

    Raises:
        ConfigError: the URI is not of the form.

    Example:
        >>> PKCS11Key("pkcs11:token=prod;object=robot?module-path=/usr/lib/driver.so")
        PKCS11Key(token='prod', object='robot')
    """

    service: ClassVar[str] = "the PKCS#11 token"
    der = False
    takes_password: ClassVar[bool] = True

    def __init__(self, uri: str, *, password: Password = None) -> None:
        self._place = pkcs11_uri.read(uri)
        self._password = Secret(password) if isinstance(password, str | bytes) else password
        self._pins: PerProcess[list[Secret]] = PerProcess(list)
        self._asking = PerProcess(threading.Lock)
        self._key: PerProcess[tuple[Any, Any]] = PerProcess(self._open)

    def prepare(self) -> None:
        """Asks for the PIN, unless this process has signed in already."""
        with self._asking():
            pins = self._pins()
            if pins or self._key.made():
                return
            held = self._password
            password: Password = held.reveal() if isinstance(held, Secret) else held
            if password is None and self._place.pin_source is not None:
                password = _pin_of(self._place.pin_source)
            given = open_password(password, "PIN")
            if given:
                pins.append(Secret(given))

    def public_key(self, timeout: float) -> bytes:
        """The public key object beside the private one; of RSA, else what the private one tells."""
        der = self._using(timeout, _public_half)
        if der is None:
            raise not_found("The PKCS#11 token", "It has no public key beside the private one: pass certificate=.")
        return der

    def sign(self, algorithm: str, data: bytes, digest: bytes, timeout: float) -> bytes:
        """Signs in the token: ECDSA the digest, RSA the message."""
        kind, hashed = algorithm[:2], _HASHES[algorithm[2:]]
        mechanism, parameter, what = pkcs11.Mechanism.ECDSA, None, digest
        if kind == "RS":
            mechanism, what = pkcs11.Mechanism[f"{hashed}_RSA_PKCS"], data
        elif kind == "PS":  # a salt as long as the hash: RFC 7518 section 3.5
            mechanism, what = pkcs11.Mechanism[f"{hashed}_RSA_PKCS_PSS"], data
            parameter = (pkcs11.Mechanism[hashed], pkcs11.MGF[hashed], len(digest))
        return self._using(
            timeout, lambda _, private: bytes(private.sign(what, mechanism=mechanism, mechanism_param=parameter))
        )

    def explain(self, error: Exception, act: str) -> SigningError:
        """Names what the driver said."""
        if isinstance(error, _LOST):
            return unavailable(
                "The PKCS#11 token", hint="It was removed, or its driver lost it; the next attempt opens it anew."
            )
        if isinstance(error, _UNFIT):
            return unfit(
                self.service, "that algorithm", "Pass algorithm=, or see `pkcs11-tool --list-mechanisms`."
            )  # fmt: skip
        if isinstance(error, pkcs11.PinLocked | pkcs11.UserPinNotInitialized):
            return SigningError(
                "The PKCS#11 token is locked, or its PIN was never set.", code="pin_locked",
                hint="Wrong PINs lock it. Its security officer sets a new one: `pkcs11-tool --init-pin`.",
            )  # fmt: skip
        if isinstance(error, pkcs11.PinExpired):
            return SigningError(
                "The PIN of the PKCS#11 token has expired.", code="wrong_password",
                hint="Set another with `pkcs11-tool --change-pin`.",
            )  # fmt: skip
        return failed(self.service, error, act)

    def _using(self, timeout: float, use: Callable[[Any, Any], Got]) -> Got:
        """Uses session and key, when it is this one's turn. A session that was lost is opened again, once."""
        turn = _TURNS.setdefault((os.getpid(), self._place.module), threading.Lock())
        if not turn.acquire(timeout=timeout):
            raise no_answer("The PKCS#11 driver", "Another call hangs in it.")
        try:
            opened = self._key()
            try:
                return use(*opened)
            except pkcs11.PKCS11Error as error:
                # The token was pulled out; or somebody else of this process has closed the driver, which has no class.
                if not isinstance(error, _LOST) and type(error) is not pkcs11.PKCS11Error:
                    raise
            self._key.forget(opened)
            self.prepare()
            return use(*self._key())
        finally:
            turn.release()

    def _open(self) -> tuple[Any, Any]:
        """Signs in and finds the key. The session is kept: with the last one a token forgets that anybody signed in."""
        token = self._token(_driver(self._place.module))
        session = self._session(token)
        wanted: dict[Any, Any] = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
        if self._place.label is not None:
            wanted[pkcs11.Attribute.LABEL] = self._place.label
        if self._place.id is not None:
            wanted[pkcs11.Attribute.ID] = self._place.id
        found = list(session.get_objects(wanted))
        if len(found) == 1:
            return session, found[0]
        session.close()
        if found:
            raise SigningError(
                f"The PKCS#11 token has {len(found)} private keys like that.", code="several_keys",
                hint="Say both object= and id= in the URI: `pkcs11-tool --list-objects` shows them.",
            )  # fmt: skip
        raise not_found("The PKCS#11 token", "Look for it with `pkcs11-tool --login --list-objects`.")

    def _token(self, driver: Any) -> Any:
        said = self._place.token
        there = [slot.get_token() for slot in driver.get_slots(token_present=True)]
        fit = [token for token in there if all(_of_token(token, name) == value for name, value in said.items())]
        if len(fit) == 1:
            return fit[0]
        labels = ", ".join(repr(token.label.strip()) for token in there if token.label.strip()) or "none"
        hint = f"Tokens that are there: {labels}. Say token= or serial= in the URI."
        if fit:
            raise SigningError("There are several PKCS#11 tokens like that.", code="several_keys", hint=hint)
        # It may be put in again.
        raise unavailable("The PKCS#11 token", hint=hint)

    def _session(self, token: Any) -> Any:
        flags, pins = token.flags, self._pins()
        if not flags & pkcs11.TokenFlag.LOGIN_REQUIRED:
            return token.open()
        if not pins and flags & pkcs11.TokenFlag.PROTECTED_AUTHENTICATION_PATH:
            return _signed_in(token, pkcs11.PROTECTED_AUTH)
        if not pins:
            raise SigningError(
                "The PKCS#11 token wants its PIN.", code="password_missing",
                hint="Pass password=, best a function that asks for it, or pin-source=file:/path in the URI.",
            )  # fmt: skip
        pin = pins.pop()
        known = hmac.new(_SALT, token.serial + b"\0" + pin.reveal(), "sha256").digest()
        if flags & pkcs11.TokenFlag.USER_PIN_LOCKED:
            raise pkcs11.PinLocked
        if known in _REFUSED:
            raise _wrong_pin(
                "It was refused before, and is not tried again: each try brings the token nearer to its lock."
            )
        try:
            return _signed_in(token, pin.reveal().decode("utf-8", "replace"))
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
            _REFUSED.add(known)
        raise _wrong_pin("It is not tried again: a few wrong ones lock the token.")

    def __repr__(self) -> str:
        place = self._place
        said = {**place.token, "object": place.label, "id": place.id.hex() if place.id else None}
        return f"PKCS11Key({', '.join(f'{name}={value!r}' for name, value in said.items() if value is not None)})"


def _wrong_pin(hint: str) -> SigningError:
    return SigningError("The PKCS#11 token does not take the PIN.", code="wrong_password", hint=hint)


def _signed_in(token: Any, pin: Any) -> Any:
    try:
        return token.open(user_pin=pin)
    except pkcs11.UserAlreadyLoggedIn:  # another session of this process did; the token counts processes, not sessions
        return token.open()


def _of_token(token: Any, name: str) -> str:
    if name == "slot-id":
        return str(token.slot.slot_id)
    if name == "serial":
        return str(token.serial.decode("utf-8", "replace")).strip()
    attribute = {"token": "label", "manufacturer": "manufacturer_id", "model": "model"}[name]
    return str(getattr(token, attribute)).strip()


def _pin_of(path: str) -> bytes:
    """The PIN in a file.

    Raises:
        SaAuthError: it cannot be had from there.
    """
    try:
        data: bytes = load("sa_auth._secretfile").read_secret(path, path, "warn")
        return data.strip()
    except SaAuthError as error:
        what = error.message.replace("The key file", "The PIN's file")
        failure = error.but(message=what, hint="pin-source= in the key URI names it.")
    raise failure


def _public_half(session: Any, private: Any) -> bytes | None:
    kind, found = private.key_type, list[Any]()
    for known in (pkcs11.Attribute.ID, pkcs11.Attribute.LABEL):
        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY, pkcs11.Attribute.KEY_TYPE: kind}
        value = _attribute(private, known)
        found = found or (list(session.get_objects({**wanted, known: value})) if value else [])
    if kind == pkcs11.KeyType.RSA:
        return rsa.encode_rsa_public_key(found[0] if found else private)
    return ec.encode_ec_public_key(found[0]) if found and kind == pkcs11.KeyType.EC else None


def _attribute(found: Any, name: Any) -> Any:
    try:
        return found[name]
    except pkcs11.PKCS11Error:  # it has none, or does not tell
        return None


def _driver(path: str) -> Any:
    """The driver, loaded once in a process; a child of a fork has to initialise it again (PKCS #11 section 5.4)."""
    found, failure = None, ""
    inherited = _LOADED_BY.get(path, os.getpid()) != os.getpid()
    try:
        found = pkcs11.lib(path)
        if inherited:
            try:
                found.finalize()
            except pkcs11.PKCS11Error:  # it has noticed the fork by itself
                pass
            found.initialize()
    except pkcs11.PKCS11Error as error:
        failure = type(error).__name__
    if failure:
        there = os.path.exists(path)
        raise SigningError(
            f"The PKCS#11 driver {'cannot be loaded' if there else 'is not there'}.", code="pkcs11_driver",
            hint=f"The URI's module-path, or {pkcs11_uri.MODULE_VARIABLE}, is the path of the vendor's shared library"
            + (", for this machine's architecture." if there else "."),
        )  # fmt: skip
    _LOADED_BY[path] = os.getpid()
    return found
