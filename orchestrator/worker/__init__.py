"""What a worker does with an attempt; knows trainers alone."""
