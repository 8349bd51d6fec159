"""What the packages promise each other, as functions over a source tree; each returns complaints, one a line."""
