"""Make a copy of the template a project of its own: its name, its data, its schema, a first proposal of every limit."""
