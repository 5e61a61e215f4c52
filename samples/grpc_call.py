"""Makes a call of a gRPC service, whose channel carries the token: here the health check that most services have.

    python samples/grpc_call.py key.json pubsub.googleapis.com:443

`pip install "sa_auth[grpc]"` brings grpcio. With a service's own stubs the channel is all they want. `--roots` and
`--token-endpoint` are for test servers on this machine.
"""

import argparse
import sys
from pathlib import Path

import grpc

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations.grpc import Renewal, call_credentials


def main() -> int:
    """Makes the call, and says how it ended."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("target", help="host:port")
    parser.add_argument("--method", default="/grpc.health.v1.Health/Check")
    parser.add_argument("--scope", default="https://www.googleapis.com/auth/cloud-platform")
    parser.add_argument("--roots", type=Path, help="certificates that the server's is judged by")
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file, scope=options.scope, token_endpoint=options.token_endpoint
    )
    tls = grpc.ssl_channel_credentials(options.roots.read_bytes() if options.roots else None)
    joined = grpc.composite_channel_credentials(tls, call_credentials(creds))
    with creds, grpc.secure_channel(options.target, joined) as plain:
        channel = grpc.intercept_channel(plain, Renewal(creds))
        try:
            answer = channel.unary_unary(options.method)(b"", timeout=30)
        except grpc.RpcError as error:
            print(error.code().name, error.details())
            return 1
    print("OK", len(answer), "bytes")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
