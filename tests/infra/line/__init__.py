"""Tests of infra/line/."""
