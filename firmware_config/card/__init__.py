"""The card: what a device is told to be, as files on the boot partition of Raspberry Pi OS 12 (bookworm)."""
