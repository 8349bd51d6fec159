"""The pages of the site: read from registry, audit log and engines, handed to `report` as values."""
