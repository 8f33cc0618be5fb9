"""One variational autoencoder per class, for tables where the rare class matters."""

import os

__version__ = "0.1.0"

# torch's threads would spin while they wait for each other, which on a machine that
# has other work to do makes training many times slower. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
