"""Puts a file into a bucket by google-cloud-storage, and lists what is there: Google's client on our token.

    python samples/google_cloud_storage.py key.json my-project my-bucket report.csv

Needs `pip install "sa_auth[google]" google-cloud-storage`. `--api` and `--token-endpoint` are for test servers on this machine.
"""

import argparse
import sys
from pathlib import Path

from google.cloud import storage

from sa_auth import SaAuthError, ServiceAccountCredentials
from sa_auth.integrations.google import Credentials


def main() -> int:
    """Uploads one file; every other google-cloud client takes the credentials likewise."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("project")
    parser.add_argument("bucket")
    parser.add_argument("file", type=Path)
    parser.add_argument("--api")
    parser.add_argument("--token-endpoint")
    options = parser.parse_args()
    creds = ServiceAccountCredentials.from_file(
        options.key_file,
        scope="https://www.googleapis.com/auth/devstorage.read_write",
        token_endpoint=options.token_endpoint,
    )
    client_options = {"api_endpoint": options.api} if options.api else None
    with (
        creds,
        storage.Client(
            project=options.project, credentials=Credentials(creds), client_options=client_options
        ) as client,
    ):
        bucket = client.bucket(options.bucket)
        bucket.blob(options.file.name).upload_from_filename(options.file)
        for blob in client.list_blobs(bucket):
            print(blob.name, blob.size)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
