"""The command line: thin shells that unwrap options and call the middle."""
