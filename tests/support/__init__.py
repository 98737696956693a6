"""What the tests stand on: real servers, a lossy network, a carrier of our own.

Nothing here imports the product, so that a test never asks the product whether the product is right.

| module | gives |
|---|---|
| `processes` | child processes that surely end, free ports, waiting |
| `servers` | real Valkey and Redis servers: one, a cluster, a Sentinel group |
| `proxy` | a network that loses answers of Redis |
| `telnyx` | a fake Telnyx over a real socket |
| `service` | the product under gunicorn, one replica or several |
| `http` | a small browser, forms, and calls released at once |
"""
