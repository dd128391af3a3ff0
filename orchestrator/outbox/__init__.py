"""What the engines are told, off the scheduling loop."""
