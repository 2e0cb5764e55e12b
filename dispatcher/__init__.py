"""Batch dispatcher for medical-laboratory results in France."""

__version__ = "0.1.0"
