"""Numbers: what is measured on samples. Pure functions, and evals made of them."""
