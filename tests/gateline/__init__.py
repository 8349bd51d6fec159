"""Tests of gateline/."""
