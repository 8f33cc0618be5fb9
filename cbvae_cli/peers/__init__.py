"""Well-known libraries on the same rows, each behind one small protocol."""
