"""What is wrong, who must know, did they get it.

The pure half (rules, lifecycle, texts, segments) decides; watch, ticker and notifier carry it out through the
ports of `alerts.ports`, which the server implements.
"""
