"""What one pass over a table finds: each fact is gathered batch by batch, in memory that does not grow with the rows."""
