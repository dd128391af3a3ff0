"""Figures of other people with their sources, and under which conditions they were made."""
