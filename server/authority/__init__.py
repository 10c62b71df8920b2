"""The certificate authority: who is a device, and who no longer is. The one place on the server that signs."""
