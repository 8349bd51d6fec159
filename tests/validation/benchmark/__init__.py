"""Tests of validation/benchmark/."""
