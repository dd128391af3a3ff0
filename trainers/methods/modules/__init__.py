"""What methods with parameters or memories of their own hold: torch's modules, imported when one is built."""
