"""What losses are put together from."""
