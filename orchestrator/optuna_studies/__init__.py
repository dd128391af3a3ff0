"""Optuna, and nothing else in this room knows it: the live study that proposes, and its persistent copy."""
