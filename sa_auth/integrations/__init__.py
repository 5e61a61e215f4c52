"""One bridge per foreign client, each fed by anything with the acts of a `TokenSource`."""
