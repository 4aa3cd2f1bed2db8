"""Bringing networks and data in: native files, encoders, data sets."""
