"""Small types that every room shares."""
