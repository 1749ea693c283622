"""The dataset: collected, cleaned, sampled, split and read."""
