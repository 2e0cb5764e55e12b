"""Hands mails over (SMTP, folder) and fetches what comes back (IMAP, Maildir)."""
