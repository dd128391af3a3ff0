"""A sweep with everything decided, and what it asks for."""
