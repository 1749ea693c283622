"""Training: the recipe, the loop, its state, and what it reports."""
