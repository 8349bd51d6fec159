"""Tests of validation/drift/."""
