"""The network, its preprocessing and its artifact, shared by training, evaluation and serving."""

import os

# ONNX Runtime sends telemetry from the moment it is imported, and reads this variable only then. It is set here because
# all code in this project imports this package before ONNX Runtime (a test checks that).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
