"""What runs next, and what becomes of what has run."""
