"""Models of a stack: bundles, the registry that a person approves in, and replays on stored photos."""
