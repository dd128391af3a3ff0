"""A run under way: what it sets out with, its course, and what becomes of its trials."""
