"""Tests of `registry/`."""
