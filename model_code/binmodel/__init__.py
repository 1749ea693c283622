"""The network, its preprocessing and its artifact: the one definition that training, evaluation and serving share."""

import os

# ONNX Runtime reports to its maker from the moment it is imported, and reads this variable only then. Set here, because
# whoever in this project imports it imports this package before (a test checks that).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
