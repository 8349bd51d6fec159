"""Tests of infra/releases/signing/."""
