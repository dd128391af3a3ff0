"""Words, numbers and addresses as people read them."""
