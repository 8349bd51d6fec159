"""Release images: laid out, built, listed."""
