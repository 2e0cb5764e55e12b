"""The laboratory’s own table of recipients."""
