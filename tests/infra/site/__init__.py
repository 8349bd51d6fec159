"""Tests of the pages that registry, audit log and engines fill."""
