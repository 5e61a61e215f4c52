"""Unit tests of the room of keys, file for file."""
