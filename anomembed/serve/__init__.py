"""The page of a run, served to a browser of this machine with buttons that judge: ``anomembed review --web``.

`desk` reads the store and keeps what is decided, `app` answers, `guard` refuses, and `running` listens, on loopback
alone. The browser gets its page in two steps. The address that is printed has a token behind its ``#``, which browsers
send to nobody. What answers is an empty page (``parts/``) that knows nothing; its script asks for everything else with
the token in a header. There is no cookie, so another site, and another server of this machine, can neither send the
token nor learn it. The store is open only while one request is answered: a monitor waits for that, or it for a monitor.
"""
