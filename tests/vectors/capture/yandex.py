"""yandexcloud: the JWT for a service account's key file. It goes by gRPC, so what is compared is the JWT alone."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from typing import Any

from tests.contract.material import MATERIAL
from tests.vectors.capture import jwt_of


def capture() -> dict[str, Any]:
    """The JWT, and the field of the message that it stands in."""
    from yandexcloud._auth_fabric import get_auth_token_requester

    info = {
        "id": "k1", "service_account_id": "aje1", "key_algorithm": "RSA_2048", "private_key": MATERIAL["rsa2048"].pair[0],
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        request = get_auth_token_requester(service_account_key=info).get_token_request()
    return {
        "sdk": {"name": "yandexcloud", "version": version("yandexcloud")},
        "seen": {"json": {"jwt": "<jwt>"}, "jwts": {"jwt": jwt_of(request.jwt)}},
    }
