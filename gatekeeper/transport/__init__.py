"""The one door of requests and urllib3: capped, deadline-bound HTTP to one origin.

What every sender shares exists here exactly once: the host check, the removal of credentials from redirects, caps on
bytes and header fields, connect, read and total deadlines, TLS, proxies, and the relabelling of every exception.
"""
