"""How one network is trained and scored."""
