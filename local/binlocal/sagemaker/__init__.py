"""A local SageMaker: Async Inference, Batch Transform and real-time endpoints, with the real model server."""
