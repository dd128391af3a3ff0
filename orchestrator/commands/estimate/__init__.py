"""How long a sweep will train on this machine."""
