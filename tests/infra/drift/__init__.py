"""Tests of infra/drift/."""
