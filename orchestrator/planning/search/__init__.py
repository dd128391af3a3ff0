"""One search: its proposals, what came of them, the race of its best settings, and how it stands."""
