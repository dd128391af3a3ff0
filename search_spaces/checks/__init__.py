"""Rules that need more than one place of a sweep file, or the world."""
