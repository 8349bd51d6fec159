"""Tests of validation/data/."""
