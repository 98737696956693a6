"""Senders: hand a message to a carrier, or to the demo's inbox."""
