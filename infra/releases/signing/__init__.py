"""Who vouches for a release: keys, the signed statement of where it comes from, and the check of both."""
