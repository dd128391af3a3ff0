"""Tables of numbers beside others: of papers, of another sweep."""
