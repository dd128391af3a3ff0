"""What the teacher of a training answers, and what a given one scores."""
