"""What is on record: one SQLite file that is always true."""
