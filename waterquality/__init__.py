"""The ground: the field's words, pure screening and the wire format.

Nothing here does I/O, reads a clock or logs. Edge, server, alerts and firmware_config all stand on it.
"""
