"""What a network is asked of a batch, and how its answers are scored."""
