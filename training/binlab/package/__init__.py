"""From a trained network to the artifact that serves, with what its certainty is worth."""
