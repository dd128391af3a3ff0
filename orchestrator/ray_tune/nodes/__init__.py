"""The nodes of a cluster that is not ours: what they have, whether they can work, whose fault failures are; and the way
to the home of those that do not see it."""
