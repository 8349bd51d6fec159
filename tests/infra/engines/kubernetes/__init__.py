"""Tests of the kubernetes engine."""
