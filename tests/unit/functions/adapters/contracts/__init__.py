"""One suite for the fakes and for the adapters: what the use cases may rely on."""
