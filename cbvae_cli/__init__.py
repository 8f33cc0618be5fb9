"""One variational autoencoder per class, for tables where the rare class matters."""

__version__ = "0.1.0"
