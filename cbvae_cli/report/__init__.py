"""What people and programs are told about a run; never the rows themselves."""
