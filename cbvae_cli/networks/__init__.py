"""Torch modules with a leading axis of networks, trained and asked side by side."""
