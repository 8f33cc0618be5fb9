"""Numbers about answers; scikit-learn's wherever it has them."""
