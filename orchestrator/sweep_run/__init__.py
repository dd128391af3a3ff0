"""A run under way: begun, driven, stopped, concluded."""
