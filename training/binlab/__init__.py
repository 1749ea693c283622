"""The library of training: data, exploration, training, search, packaging, evaluation. The scripts beside it use it."""
