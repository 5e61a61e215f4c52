"""The steps of a sign-in, one kind per file, each looked at and judged for `sa-auth doctor`.

Rule: a step is a value; it looks and changes nothing, and no token, secret, private key or signature is part of it.
"""
