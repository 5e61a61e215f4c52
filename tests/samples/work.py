"""What worker processes are sent in the tests, and what must not be in it.

Rule: a process that was just started imports this file, so it imports little.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable

import requests

from sa_auth import ServiceAccountCredentials

PASSWORD = "hush-Xu7ooKe9"


def password() -> str:
    """Opens the key; it travels by its name."""
    return PASSWORD


def redis_url() -> str:
    """Where the shared cache is, password included."""
    return os.environ["REDIS_URL"]


def call(creds: ServiceAccountCredentials, url: str) -> int:
    """Makes one call of the API, and gives the status of its answer."""
    with requests.Session() as session:
        session.auth = creds
        return session.get(url, timeout=20).status_code


def closed_over(creds: ServiceAccountCredentials, url: str) -> Callable[[], int]:
    """The same as a function without a name of its own, as people send to Spark and Dask."""
    return lambda: call(creds, url)


def seen(data: bytes, private: str, *texts: str) -> list[str]:
    """What of a private key, a password or a token stands in some bytes.

    Args:
        data: The bytes.
        private: The key, as PEM; its number is looked for as well, in whatever form a serializer has for one.
        texts: More that must not be there.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(private.encode(), None)
    numbers = key.private_numbers()
    secret = getattr(numbers, "private_value", None) or numbers.d
    forms = [line for line in private.splitlines() if not line.startswith("-----")]
    length = (secret.bit_length() + 7) // 8
    big, little = secret.to_bytes(length, "big"), secret.to_bytes(length, "little")
    raw = [big, little, f"{secret:x}".encode(), str(secret).encode(), base64.urlsafe_b64encode(big).rstrip(b"=")]
    raw += [text.encode() for text in (*forms, *texts)]
    # As text of JSON, or base64 in a message, it would be there all the same.
    raw += [base64.b64encode(text.encode())[:-4] for text in texts]
    return [repr(one[:12]) for one in raw if one in data]
