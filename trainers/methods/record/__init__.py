"""What a method is: its record, its hyperparameters, plug-ins."""
