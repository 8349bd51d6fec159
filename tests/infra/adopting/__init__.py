"""Tests of infra/adopting/."""
