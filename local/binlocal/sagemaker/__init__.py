"""Our local SageMaker: Async Inference and real-time endpoints in front of the real model server, on loopback."""
