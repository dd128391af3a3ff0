"""Accepting sweeps: everything is read, checked and recorded before anything starts."""
