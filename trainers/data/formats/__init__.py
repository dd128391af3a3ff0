"""How data sets lie in files."""
