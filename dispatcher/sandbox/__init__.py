"""The pretend operator: SMTP server, directory, signed list, recipients that read or do not, notices back.

Its keys and people are invented and public; it listens on loopback only.
"""
