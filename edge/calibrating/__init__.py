"""From what a probe shows in its standards to a certificate, or a refusal with the numbers. Pure."""
