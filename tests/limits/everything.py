"""Settings with every limit on."""

from datetime import timedelta

from service.verification.policy import Window

EVERYTHING = {
    "SENDS_PER_COUNTRY": (Window(1000, timedelta(hours=1)), Window(5000, timedelta(days=1))),
    "SENDS_PER_CLIENT": (Window(1000, timedelta(hours=1)),),
    "SPEND_PER_DAY": 1000.0,
    "MESSAGE_PRICES": (("US", 0.01), ("*", 0.05)),
    "SENDER_RATE_PER_SECOND": 100.0,
}
