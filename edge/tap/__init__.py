"""What a technician types and reads at the tap: the thin part, over what `edge` decides elsewhere.

Nothing of the agent imports it: typer and rich stay out of the process that runs for a year.
"""
