"""From evidence to answers one can act on: probabilities and p-values."""
