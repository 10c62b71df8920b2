"""The examination of a device: small checks that look at one place each and say what they find, with the mend."""
