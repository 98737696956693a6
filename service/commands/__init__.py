"""What the larger commands of `textproof` do. `__main__.py` parses their arguments, and has the small ones.

doctor.py    checks settings, account, Redis and addresses, and says what to fix
keys.py      makes, lists and revokes the keys of applications
limits.py    shows what is closed and what is nearly used up; blocks, lifts and forgives
number.py    shows what happened to a number, and what to do about it
stats.py     shows the figures of a day
"""
