"""What the system does: one function for each use case, which gets its dependencies as an argument."""
