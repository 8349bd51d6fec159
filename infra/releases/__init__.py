"""Releases: built, packed into images, signed."""
