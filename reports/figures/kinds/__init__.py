"""One kind of figure a file: its data, the function that makes it of results, and the one that draws it."""
