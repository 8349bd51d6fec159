"""Tests of validation/data/facts/."""
