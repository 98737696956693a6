"""Senders: hand a message to a carrier, or show it where there is none."""
