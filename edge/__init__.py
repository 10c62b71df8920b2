"""The agent on the Raspberry Pi: it samples, keeps what it sampled until the server has it, and sends it."""
