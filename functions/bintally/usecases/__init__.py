"""What the system does: one function a use case, given its dependencies."""
