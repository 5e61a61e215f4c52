"""A service key of SAP BTP, with a certificate."""

from __future__ import annotations

import json
from pathlib import Path

from tests.contract.material import MATERIAL

from . import write


def make(folder: Path, private: str) -> None:
    """Makes `service-key.json`."""
    info = {
        "clientid": "sb-orders!t1", "certificate": MATERIAL["rsa2048"].certificate.decode(), "key": private,
        "certurl": "https://acme.authentication.cert.eu10.hana.ondemand.com",
        "url": "https://acme.authentication.eu10.hana.ondemand.com", "credential-type": "x509",
    }  # fmt: skip
    write(folder / "service-key.json", json.dumps(info))
