"""Watches source folders and takes files in: whole, once, with the original kept."""
