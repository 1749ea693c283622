"""The network, its preprocessing and its artifact: the one definition that training, evaluation and serving share."""
