"""Small types that every package shares."""
