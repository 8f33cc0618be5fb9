"""Rows to matrix and back: files, schema, column kinds, layout; never torch."""
