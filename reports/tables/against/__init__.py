"""Our numbers beside others: published figures, and another sweep or another state of the same."""
