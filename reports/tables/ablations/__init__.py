"""What hyperparameters and terms are worth: which rows make an ablation, what it is compared with, and its tables."""
