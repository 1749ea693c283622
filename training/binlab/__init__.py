"""Parts for training: dataset, split, loop, calibration, metrics. The scripts beside this package put them together."""
