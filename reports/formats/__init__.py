"""Formats: each prints any table and does nothing else. Markdown, LaTeX, CSV, plain text, HTML."""
