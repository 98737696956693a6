"""How fast it is, beside what is as fast as it could be: `make bench`.

__main__.py  the command: rows, rounds, docs/performance.md
rows.py      what is measured, a function for each part of the table
budget.py    what was promised, and whether it is kept
servers.py   the programs that are measured, each one worker on a core of its own
bare.py      what they are compared with: Flask and nothing else, Flask and one script, the tutorial's program
peers.py     who else does what the service does; better_auth/ is one of them, a program for Node
parts.py     what a check spends its time on, in one thread
stubbed.py   the service with a carrier that takes every message at once
crowd.py     people: numbers, addresses, verifications to check
load.py      the client
machine.py   what the kernel says of processes
"""
