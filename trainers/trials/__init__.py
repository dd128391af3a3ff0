"""What a trial is: its key, its recipe, its random streams."""
