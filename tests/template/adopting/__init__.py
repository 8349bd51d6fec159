"""Tests of template/adopting/."""
