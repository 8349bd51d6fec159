"""Tests of infra/monitoring/."""
