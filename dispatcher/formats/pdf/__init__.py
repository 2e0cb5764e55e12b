"""The printable report as PDF/A, rendered with typst."""
