"""Textproof: phone verification that you run yourself.

The map, top to bottom; a package imports only from those below it. docs/architecture.md has a picture.

    __main__.py           the command `textproof`
    commands/             what its commands do: doctor, keys, limits, number, stats
    app.py                create_app() puts settings, store, sender, verifier and web together
    config.py             every setting: what it is for, its default, where its value came from
    setting_types.py      what the value of a setting may be
    web/                  HTTP: pages, API, OpenID Connect; only here is Flask imported
    sender/               hands a message to a carrier
    store/                Redis: one class for each port, one script for each verb
    verification/         the domain: imports neither Flask nor Redis nor a carrier's SDK
    child_processes.py    ends what a process has started when the process ends
    colours.py            contrast of two colours
    languages/            the catalogues of pages and messages
    strict_json.py        reads JSON that others wrote

A request goes down once and comes back:
web -> Verifier.start/check/resend/cancel -> store (one script) -> sender.
"""
