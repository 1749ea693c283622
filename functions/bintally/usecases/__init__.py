"""What the system does, one function a use case; collaborators are handed in."""
