"""The proxy in front of releases: HAProxy, as every engine uses it."""
