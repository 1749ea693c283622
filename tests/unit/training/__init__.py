import pytest

pytest.importorskip("torch", reason="the training extra is not installed")
