"""Teachers as students meet them: frozen networks and stored logits."""
