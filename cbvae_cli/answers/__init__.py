"""Questions of users, asked of a fitted model batch by batch."""
