"""Tests of infra/signing/."""
