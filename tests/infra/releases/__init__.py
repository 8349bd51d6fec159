"""Tests of infra/releases/."""
