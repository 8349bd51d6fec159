"""Tests of validation/canary/."""
