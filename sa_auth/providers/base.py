"""A vendor as data.

Rule: what differs between vendors is a field; code only where no field can say it (`prepare`). Nothing is made here:
`making` does that, and a vendor's file is read by the vendor's own reader. Source: RFC 7523 for what every field means; each preset names its vendor's pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..errors import KeyFileError
from ..explanation import Known
from ..grants.base import Grant
from ..settings import Settings
from ..token import NOTHING, STANDARD, AnswerNames

__all__ = ["KeyFile", "Known", "Page", "Provider", "text_field"]


class KeyFile(NamedTuple):
    """A vendor's key-file format.

    Args:
        recognise: Whether a parsed JSON object is of this format.
        read: Gives the arguments of the face that stand in it; "key" is the key's text, absent where it holds none.
        named: Whether the caller has to name the provider, because such a file names paths, addresses or a command.
    """

    recognise: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any]], dict[str, Any]]
    named: bool = False


def text_field(info: Mapping[str, Any], name: str, hint: str, *, path: str | None = None) -> str:
    """Gives a field of a key file that has to be text.

    Args:
        info: The object that it stands in.
        name: Its name there.
        hint: How another such file is had.
        path: Its name for messages, where that object stands in another.

    Raises:
        KeyFileError: it is not there, no text, or empty.

    Example:
        >>> text_field({"id": "k1"}, "id", "Download the file again.")
        'k1'
    """
    found = info.get(name)
    if not isinstance(found, str) or not found.strip():
        raise KeyFileError(
            f"The key file has no field {path or name!r}, or it is no text, or empty.", code="key_file_field", hint=hint
        )
    return found


class Page(NamedTuple):
    """What the documentation says of a vendor beside its data.

    Attributes:
        title: The vendor's or service's name.
        console: What is needed from the vendor's console, and where it stands there.
        file: What the key comes in.
        upload: The form in which the vendor takes the public half of a key made elsewhere: "pem", "certificate" or "jwks";
            empty: it makes the keys itself, or takes none.
        example: Lines of Python that sign in; they run in the tests.
        limits: What the vendor allows and what not.
        proven: How far the preset was proven: "vendor's SDK (name, version)", "real server", "documentation only".
        sources: Addresses of the vendor's pages, or names of its SDK's modules, that the data were taken from.
        unknown: What could not be confirmed; empty where nothing is left open.
    """

    title: str
    console: str = ""
    file: str = ""
    upload: str = ""
    example: str = ""
    limits: str = ""
    proven: str = ""
    sources: tuple[str, ...] = ()
    unknown: str = ""


class Provider(NamedTuple):
    """What a vendor wants.

    Texts in braces are filled in: {server} (without a slash at its end), {endpoint}, {host} (of the endpoint), {issuer},
    {subject}.

    Attributes:
        name: Its name in the table.
        page: For the documentation.
        token_endpoint: The default, for example "{server}/oauth2/v1/token"; None: it comes from the key file, the caller
            or the server's metadata.
        server: The default of `server=`.
        hosts: Hosts a key file's endpoint and server may have, "*.example.com" for all below; empty: any.
        revocation_endpoint: Where it revokes tokens; None: its metadata say it, or nobody.
        grant: By what is asked: a name in `grants.GRANTS`, or a Grant that the face's key completes.
        client_auth: How the client proves itself: a name in `client_auth.CLIENT_AUTH`; None: by its key where that
            signs no grant, else not at all.
        with_client_id: Whether `client_id` is sent beside a client assertion.
        audience: `aud` of what the key signs: "{endpoint}", "{server}/", "{host}" or a constant; "": none at all; None:
            the endpoint for a grant, the server for a client assertion.
        audience_field: A form field that `audience=` goes into; None: it is the `aud`.
        subject: "optional"; "required": the user acted for; "default": the issuer where nobody is named (RFC 7523 section 3
            wants a `sub`); "issuer": always the issuer; "none": no `sub` at all; "address": it stands in the endpoint
            alone, and is required. "none" holds for a client's assertion too.
        subject_hint: What a missing or needless subject is told.
        issuer_hint: What a missing issuer is told.
        issuer_suffix: What `iss` ends with where it names the key; {fingerprint} is the key's (see `SelfIssued`).
        typ: `typ` of the header; None: "JWT" for a grant, "client-authentication+jwt" for a client assertion.
        algorithms: JOSE names the vendor takes, the best first; empty: any. The first that fits the key is used.
        rsa_bits: How long an RSA key has to be.
        key_id: Whether a `kid` is needed.
        key_id_hint: What a missing one is told.
        certificate: Whether a certificate is needed.
        lifetime: Seconds from now to `exp`, by default.
        longest: Seconds allowed from `iat` to `exp`; None: no limit known.
        backdate: Seconds that `iat` lies before now.
        reusable: Whether it takes an assertion more than once, without a `jti`, by its own documentation.
        claims: Claims that are always there; those of the face go before them.
        headers: JOSE header fields that are always there; those of the face go before them.
        scope_claim: Whether the scope is a claim: "always", even if empty, "given", or "never".
        scope_form: Whether the scope is a form field.
        scope_of_client: Whether the scope is a claim of the client's assertion, and no form field.
        scope_needed: Whether there has to be one.
        scope_hint: What a missing scope is told.
        scope_separator: Between scopes.
        resource_claim: Whether `resource=` is a claim, an array, and no form field.
        form: Form fields that are always there.
        json: Whether it takes JSON in place of a form.
        request_headers: Header fields of the token request.
        names: Where token and end stand in the answer, if not where RFC 6749 puts them.
        default_life: Seconds assumed of a token that names none, where the caller does not say; None: the policy's.
        api_headers: Header fields of every API call, beside Authorization; a value that begins with "+" joins the call's
            own in a list.
        known: What its refusals mean; the first that fits counts.
        prepare: Changes these data or the settings where no field can say it, given both; raises ConfigError for what the
            vendor does not take.
        key_file: Its key-file format, where it has one.
    """

    name: str
    page: Page = Page("")
    token_endpoint: str | None = None
    server: str | None = None
    hosts: tuple[str, ...] = ()
    revocation_endpoint: str | None = None
    grant: str | Grant = "jwt_bearer"
    client_auth: str | None = None
    with_client_id: bool = False
    audience: str | None = None
    audience_field: str | None = None
    subject: str = "optional"
    subject_hint: str = ""
    issuer_hint: str = ""
    issuer_suffix: str = ""
    typ: str | None = None
    algorithms: tuple[str, ...] = ()
    rsa_bits: int = 2048
    key_id: bool = False
    key_id_hint: str = ""
    certificate: bool = False
    lifetime: int = 300
    longest: int | None = None
    backdate: int = 10
    reusable: bool = False
    claims: Mapping[str, Any] = NOTHING
    headers: Mapping[str, Any] = NOTHING
    scope_claim: str = "given"
    scope_form: bool = True
    scope_of_client: bool = False
    scope_needed: bool = False
    scope_hint: str = ""
    scope_separator: str = " "
    resource_claim: bool = False
    form: tuple[tuple[str, str], ...] = ()
    json: bool = False
    request_headers: Mapping[str, str] = NOTHING
    names: AnswerNames = STANDARD
    default_life: float | None = None
    api_headers: Mapping[str, str] = NOTHING
    known: tuple[Known, ...] = ()
    prepare: Callable[[Provider, Settings], tuple[Provider, Settings]] | None = None
    key_file: KeyFile | None = None
