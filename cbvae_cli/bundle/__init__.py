"""One trained model in one file: written whole, checked in full before use.

Kept empty on purpose: `inspect` reads a manifest with the standard library
alone, and importing this package must not load numpy or torch.
"""
