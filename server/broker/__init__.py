"""The MQTT broker: what it is told, and whom it must let go."""
