"""Tests of the local authority."""
