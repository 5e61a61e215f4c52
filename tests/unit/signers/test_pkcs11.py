"""A key in a token: what the contract does not ask of every key service. SoftHSM2 is real; its `fragile` token is locked here."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sa_auth import ServiceAccountCredentials
from sa_auth.errors import ConfigError, SaAuthError, SigningError
from sa_auth.signers import RemoteSigner
from sa_auth.signers.pkcs11 import PKCS11Key
from tests.contract.key_services.children import in_a_child
from tests.contract.key_services.softhsm import PIN, TOKEN, softhsm

CANARY = "pin-canary-4711"


def signer(where: str, password: Any = PIN, **arguments: Any) -> RemoteSigner:
    """A signer by the rest of a URI."""
    mark = "&" if "?" in where else "?"
    return RemoteSigner(
        PKCS11Key(f"pkcs11:{where}{mark}module-path={softhsm().driver}", password=password), **arguments
    )


def failure(made: RemoteSigner) -> SaAuthError:
    """How it does not sign."""
    with pytest.raises(SaAuthError) as caught:
        made.sign(b"data")
    shown = f"{caught.value!s}{caught.value!r}{vars(caught.value)}"
    assert PIN not in shown
    assert CANARY not in shown
    assert caught.value.__context__ is None
    return caught.value


OF_OURS = f"token={quote(TOKEN)}"


@pytest.mark.parametrize(
    "where", [f"{OF_OURS};object=p256", f"{OF_OURS};id=%02", f"{OF_OURS};object=p256;id=%02;type=private", "manufacturer=SoftHSM%20project;" + OF_OURS + ";object=p256"]
)  # fmt: skip
def test_found_by(where: str) -> None:
    """A key is found by its label, its id, or both; a token by what is said of it."""
    assert len(signer(where).sign(b"data")) == 64


def test_found_by_slot_and_serial() -> None:
    """A token is found by its serial number, and by its slot."""
    token = softhsm().library.get_token(token_label=TOKEN)
    assert signer(f"serial={token.serial.decode()};object=p256").sign(b"data")
    assert signer(f"slot-id={token.slot.slot_id};object=p256").sign(b"data")


def test_not_extractable() -> None:
    """The keys that are signed with cannot leave the token."""
    import pkcs11

    made = signer(f"{OF_OURS};object=rsa")
    made.sign(b"data")
    _, private = made.service._key()  # type: ignore[attr-defined]
    assert (private[pkcs11.Attribute.EXTRACTABLE], private[pkcs11.Attribute.SENSITIVE]) == (False, True)
    with pytest.raises(pkcs11.AttributeSensitive):
        _ = private[pkcs11.Attribute.PRIVATE_EXPONENT]


@pytest.mark.parametrize(
    ("where", "code", "word"),
    [
        (f"{OF_OURS};object=nobody", "key_not_found", "--list-objects"),
        (f"{OF_OURS};object=twin", "several_keys", "id="),
        ("object=p256", "several_keys", "fragile"),
        ("token=nobody;object=p256", "signing_unavailable", "fragile"),
        (f"{OF_OURS};object=lonely", "key_not_found", "certificate="),
    ],
)
def test_no_one_key(where: str, code: str, word: str) -> None:
    """No key, no token, or more than one of them: each is told, with what to do."""
    error = failure(signer(where))
    assert (error.code, word in error.hint) == (code, True), error


def test_twin_by_id() -> None:
    """Of two keys with one label the id says which."""
    assert signer(f"{OF_OURS};object=twin;id=%04").thumbprint != signer(f"{OF_OURS};object=twin;id=%05").thumbprint


def test_wrong_pin_is_tried_once() -> None:
    """A wrong PIN is named and never tried again by itself, by whatever signer; a right one works, and nothing is locked."""
    import pkcs11

    asked = []

    def pin() -> str:
        asked.append(1)
        return CANARY

    made = signer("token=fragile;object=any", pin)
    for _ in range(5):
        assert failure(made).code == "wrong_password"
    for _ in range(5):
        assert failure(signer("token=fragile;object=any", CANARY)).code == "wrong_password"
    assert len(asked) == 5, "who is asked may know better by now"
    token = softhsm().library.get_token(token_label="fragile")
    assert not token.flags & (pkcs11.TokenFlag.USER_PIN_FINAL_TRY | pkcs11.TokenFlag.USER_PIN_LOCKED)
    assert failure(signer("token=fragile;object=any")).code == "key_not_found", "signed in, and there is none"


@pytest.mark.parametrize("password", [None, "", lambda: None])
def test_no_pin(password: Any) -> None:
    """A token that wants a PIN and gets none says so."""
    assert failure(signer("token=fragile;object=any", password)).code == "password_missing"


def test_pin_callable_that_fails() -> None:
    """What the function raises stays with it: it may hold the PIN."""

    def pin() -> str:
        raise ValueError(CANARY)

    assert failure(signer(f"{OF_OURS};object=p256", pin)).code == "password"


def test_pin_is_asked_for_once(tmp_path: Path) -> None:
    """However many threads sign, the PIN is asked for once, on a caller's thread and not on one that has an end."""
    asked = []

    def pin() -> str:
        asked.append(threading.current_thread())
        return PIN

    made = signer(f"{OF_OURS};object=p256", pin)
    threads = [threading.Thread(target=made.sign, args=(b"data",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(asked) == 1
    assert asked[0] in threads


def test_pin_of_a_file(tmp_path: Path) -> None:
    """`pin-source` names a file, which is judged as a key file is."""
    place = tmp_path / "pin"
    place.touch(0o600)
    place.write_text(f"{PIN}\n")
    for form in (f"file:{place}", f"file://{place}", f"file:{quote(str(place), safe='')}", str(place)):
        assert signer(f"{OF_OURS};object=p256?pin-source={form}", None).sign(b"data")
    place.chmod(0o622)
    assert failure(signer(f"{OF_OURS};object=p256?pin-source=file:{place}", None)).code == "key_file_rights"


@pytest.mark.parametrize(
    ("uri", "word"),
    [
        (f"pkcs11:object=a?pin-value={CANARY}&module-path=/x", "password="),
        (f"pkcs11:object=a;pin-value={CANARY}?module-path=/x", "password="),
        ("pkcs11:token=a?module-path=/x", "object="),
        ("pkcs11:", "object="),
        ("pkcs11:object=a", "module-path="),
        ("pkcs11:object=a;object=b?module-path=/x", "object"),
        ("pkcs11:object?module-path=/x", "object"),
        ("pkcs11:object=a;colour=red?module-path=/x", "slot-id"),
        ("pkcs11:object=a;type=cert?module-path=/x", "type=private"),
        ("pkcs11:object=a?module-path=/x&pin-source=|cat%20pin", "file:/"),
        ("pkcs11:object=a?module-path=/x&pin-source=file:pin", "file:/"),
    ],
)
def test_bad_uri(uri: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URI that says too little, too much, a PIN or a command is refused with how it should be, and not repeated."""
    monkeypatch.delenv("PKCS11_MODULE_PATH", raising=False)
    with pytest.raises(ConfigError) as caught:
        PKCS11Key(uri)
    assert (caught.value.code, word in caught.value.hint) == ("bad_key_uri", True), caught.value
    assert CANARY not in str(caught.value)


def test_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver may be named by the environment; one that is not there, or none, is told apart."""
    monkeypatch.setenv("PKCS11_MODULE_PATH", softhsm().driver)
    assert RemoteSigner(PKCS11Key(f"pkcs11:{OF_OURS};object=p256", password=PIN)).sign(b"data")
    for path, word in ((tmp_path / "none.so", "not there"), (tmp_path / "text.so", "cannot be loaded")):
        if word != "not there":
            path.write_text("no library")
        error = failure(RemoteSigner(PKCS11Key(f"pkcs11:object=a?module-path={path}", password=PIN)))
        assert (error.code, word in error.message) == ("pkcs11_driver", True)


def test_session_that_was_lost() -> None:
    """A driver that another part of the process closed is opened again, within the same call."""
    made = signer(f"{OF_OURS};object=p256")
    made.sign(b"data")
    softhsm().library.finalize()
    assert made.sign(b"data")
    softhsm().library.reinitialize()
    assert made.sign(b"data")


def test_two_forks() -> None:
    """A child of a child signs too, and its parents go on."""
    made = signer(f"{OF_OURS};object=p256")
    made.sign(b"data")

    def both() -> None:
        made.sign(b"data")
        assert in_a_child(lambda: made.sign(b"data")) == 0
        made.sign(b"data")

    assert in_a_child(both) == 0
    assert made.sign(b"data")


def test_it_shows_no_pin() -> None:
    """No repr of signer, service or credentials has the PIN in it, and a PIN that is text does not travel."""
    made = signer(f"{OF_OURS};object=p256", CANARY)
    uri = f"pkcs11:{OF_OURS};object=p256?module-path={softhsm().driver}"
    creds = ServiceAccountCredentials(uri, issuer="robot", password=PIN, token_endpoint="https://as.example/token")
    assert repr(made) == f"RemoteSigner(PKCS11Key(token={TOKEN!r}, object='p256'), key_id=None)"
    assert CANARY not in f"{made!r}{made.service!r}{vars(made.service)}"
    import pickle

    with pytest.raises(ConfigError) as caught:
        pickle.dumps(creds)
    assert caught.value.code == "not_picklable"


def test_wrong_algorithm_for_the_token() -> None:
    """What the driver's errors mean is told for all of them, the unknown ones by their class."""
    import pkcs11

    service = PKCS11Key("pkcs11:object=a?module-path=/x")
    expected = {
        pkcs11.MechanismInvalid: "bad_algorithm", pkcs11.DeviceRemoved: "signing_unavailable",
        pkcs11.PinLocked: "pin_locked", pkcs11.PinExpired: "wrong_password",
        pkcs11.UserPinNotInitialized: "pin_locked", pkcs11.HostMemory: "signing",
    }  # fmt: skip
    told = {kind: service.explain(kind(), "sign") for kind in expected}
    assert {kind: error.code for kind, error in told.items()} == expected
    assert all(isinstance(error, SigningError) for error in told.values())
    assert "HostMemory" in str(told[pkcs11.HostMemory])


class Card:
    """A token of another maker: what SoftHSM2 does not have."""

    label, serial, slot = "card", b"1", None

    def __init__(self, flags: int, error: type[Exception] | None = None) -> None:
        self.flags, self.error, self.pins = flags, error, []

    def open(self, user_pin: Any = None) -> str:
        """Notes the PIN."""
        self.pins.append(user_pin)
        if self.error is not None and user_pin is not None:
            raise self.error
        return "session"


def test_other_tokens() -> None:
    """A token may want no PIN, have a keypad for it, or be locked; and a PIN may be of a form that it never takes."""
    import pkcs11

    login, keypad, locked = (
        pkcs11.TokenFlag.LOGIN_REQUIRED, pkcs11.TokenFlag.PROTECTED_AUTHENTICATION_PATH,
        pkcs11.TokenFlag.USER_PIN_LOCKED,
    )  # fmt: skip

    def opened(card: Card, pin: str | None) -> Any:
        service = PKCS11Key("pkcs11:object=a?module-path=/x", password=pin)
        service.prepare()
        return service._session(card)

    for card, pin, given in (
        (Card(0), PIN, None),
        (Card(login | keypad), None, pkcs11.PROTECTED_AUTH),
        (Card(login), PIN, PIN),
    ):
        assert (opened(card, pin), card.pins) == ("session", [given])
    shared = Card(login, pkcs11.UserAlreadyLoggedIn)
    assert (opened(shared, PIN), shared.pins) == ("session", [PIN, None])
    card = Card(login | locked)
    with pytest.raises(pkcs11.PinLocked):
        opened(card, PIN)
    assert card.pins == []
    for error in (pkcs11.PinLenRange, pkcs11.PinInvalid):
        card = Card(login, error)
        for _ in range(2):
            with pytest.raises(SigningError) as caught:
                opened(card, f"{CANARY}-{error.__name__}")
            assert caught.value.code == "wrong_password"
        assert len(card.pins) == 1


def test_public_half_of_an_rsa_key_alone() -> None:
    """A private RSA key tells its public half, where no other object does; one of another kind is not read."""
    import pkcs11

    class Session:
        def get_objects(self, _: object) -> list[Any]:
            return []

    class Private(dict[Any, Any]):
        key_type = pkcs11.KeyType.RSA

        def __missing__(self, name: object) -> Any:
            raise pkcs11.AttributeTypeInvalid

    from sa_auth.signers.pkcs11 import _public_half

    key = Private({pkcs11.Attribute.MODULUS: b"\x01" * 256, pkcs11.Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01"})
    assert _public_half(Session(), key)
    key.key_type = pkcs11.KeyType.DSA
    assert _public_half(Session(), key) is None
