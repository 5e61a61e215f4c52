"""The clouds that docs/signers-cloud.md speaks of, all of them on this machine."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from unittest.mock import patch

from sa_auth.testing import Authority
from tests.contract.key_services import awskms, azurekv, gcpkms
from tests.contract.key_services.cloud import Asked, Reply


class AWS(awskms.World):
    """Whatever the key's name is, it is the one for RS256."""

    def answer(self, asked: Asked) -> Reply:
        """Of that key."""
        body = asked.json() if asked.body else {}
        if (
            body.get("KeyId", "").startswith("arn:aws:kms:eu-west-1:111122223333:")
            or body.get("KeyId") == "alias/robot"
        ):
            body["KeyId"] = self.uri("RS256").partition(":")[2]
        headers = {name: value for name, value in asked.headers.items() if name.lower() != "content-length"}
        return super().answer(Asked(asked.method, asked.path, headers, json.dumps(body).encode()))


class Google(gcpkms.World):
    """A key called robot."""

    def answer(self, asked: Asked) -> Reply:
        """Of the one for RS256."""
        reply = super().answer(asked._replace(path=asked.path.replace("/robot/", "/RS256/")))
        if "name" in reply.body:
            reply.body["name"] = reply.body["name"].replace("/RS256/", "/robot/")
        return reply


class Azure(azurekv.World):
    """A key called robot, in a vault at its usual port."""

    names = ("127.0.0.1",)
    resource = "https://vault.azure.net"

    def answer(self, asked: Asked) -> Reply:
        """Of the one for RS256."""
        return super().answer(asked._replace(path=asked.path.replace("/robot/", "/RS256/")))


@contextlib.contextmanager
def playing(authority: Authority) -> Iterator[dict[str, str]]:
    """Runs them, and lets the authority know their keys; gives where each host is found."""
    with contextlib.ExitStack() as stack:
        aws, google, azure = (stack.enter_context(each()) for each in (AWS, Google, Azure))
        for world, name in ((aws, "aws"), (google, "google"), (azure, "azure")):
            authority.register(f"robot-at-{name}", world.public_pem("RS256"))
        (aws.folder / "config").write_text(
            "[profile signing]\naws_access_key_id = signing\naws_secret_access_key = hush\n"
        )
        bundle = google.folder / "both.pem"
        bundle.write_text((google.folder / "ca.pem").read_text() + (azure.folder / "ca.pem").read_text())
        for world in (aws, google, azure):
            stack.enter_context(world.environment())
        also = {**aws.variables(), **google.variables(), "AWS_CONFIG_FILE": str(aws.folder / "config")}
        stack.enter_context(patch.dict("os.environ", {**also, "REQUESTS_CA_BUNDLE": str(bundle)}))
        yield {
            "cloudkms.googleapis.com": f"https://127.0.0.1:{google.server.port}",
            azurekv.HOST: f"https://127.0.0.1:{azure.server.port}",
        }
