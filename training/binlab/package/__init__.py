"""From a trained network to the artifact that serves: int8, calibration, intervals, model card, bundle."""
