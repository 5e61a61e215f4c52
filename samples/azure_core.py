"""Calls an API behind Entra ID by azure-core's own pipeline, as every client of azure.* does inside.

    PFX_PASSWORD=... python samples/azure_core.py contoso.onmicrosoft.com CLIENT-ID robot.pfx https://management.azure.com/subscriptions

Needs `pip install "sa_auth[azure]"`. The clients of azure.* take the credential the same way:
`BlobServiceClient(url, credential=credential, raw_response_hook=credential.on_response)`. `--plain-http` is for a test server on
this machine.
"""

import argparse
import os
import sys

from azure.core import PipelineClient
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, CustomHookPolicy, RetryPolicy
from azure.core.rest import HttpRequest

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations.azure import TokenCredential


def main() -> int:
    """Makes one call; a token that is refused is renewed, and the call sent again."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tenant")
    parser.add_argument("client_id")
    parser.add_argument("pfx", help="key and certificate; the password is in PFX_PASSWORD")
    parser.add_argument("url")
    parser.add_argument("--scope", default="https://management.azure.com/.default")
    parser.add_argument("--plain-http", action="store_true")
    options = parser.parse_args()
    host = os.environ.get("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/").rstrip("/")
    creds = ServiceAccountCredentials.from_file(
        options.pfx,
        password=lambda: os.environ["PFX_PASSWORD"],
        provider="entra",
        issuer=options.client_id,
        server=f"{host}/{options.tenant}/v2.0",
        scope=options.scope,
    )
    with TokenCredential(creds) as credential:
        policies = [
            RetryPolicy(retry_on_status_codes=[401], retry_total=3),
            BearerTokenCredentialPolicy(credential, options.scope),
            CustomHookPolicy(raw_response_hook=credential.on_response),
        ]
        with PipelineClient(options.url, policies=policies) as client:
            answer = client.send_request(HttpRequest("GET", options.url), enforce_https=not options.plain_http)
    print(answer.status_code)
    return 0 if answer.status_code < 400 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
