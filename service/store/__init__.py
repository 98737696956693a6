"""The store: remembers verifications in Redis, one script for each verb."""
