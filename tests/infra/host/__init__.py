"""Tests of infra/host/."""
