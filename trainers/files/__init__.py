"""Files that are whole or not there, and what lies in them."""
