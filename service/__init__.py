"""Textproof: phone verification that you run yourself.

The map, top to bottom; a package imports only from those below it. docs/architecture.md has a picture.

    app.py            settings, store, sender and verifier meet here, and nowhere else
    __main__.py       the command `textproof`: run, settings, doctor, limits, number, stats, keys
    doctor.py         `textproof doctor`: what is right, and what to fix
    limits.py         `textproof limits`: what is closed or nearly full
    trail.py          `textproof number`: what happened to a number, and what to do
    figures.py        `textproof stats`: what a day was like
    clients.py        `textproof keys`: who may call the API
    config.py         every setting: what it is for, its default, where it came from
    values.py         what the value of a setting may be
    web/              HTTP in, HTTP out; Flask lives here only
    sender/           hands a message to a carrier
    store/            remembers, in Redis: one script per verb
    verification/     the rules; knows neither Flask nor Redis nor a carrier
    guard.py          what a process has started ends with it
    colours.py        whether one can be read on another
    strict_json.py    the one door for JSON that others wrote
    languages/        what people read, in their language; one catalogue each

A request walks one way down and back:
web -> Verifier.start/check/resend/cancel -> store (one script) -> sender.
"""
