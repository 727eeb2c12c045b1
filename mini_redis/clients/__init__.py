"""What the server knows of its clients."""
