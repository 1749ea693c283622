"""How good a model is: metrics, order checks, plots and a report."""
