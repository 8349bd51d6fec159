"""Tests of validation/model/."""
