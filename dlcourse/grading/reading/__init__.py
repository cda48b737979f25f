"""A hand-in from its bytes to the programme that is run: found, read within limits, cleaned, cut."""
