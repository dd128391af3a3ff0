"""A sweep file as it is written: lines, schema, entries."""
