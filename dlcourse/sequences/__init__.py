"""Sequences: recurrent cells, windows over a time series, and forecasts of the weather.

Used in: Lab 05, Lab 05b

Reference: Lecture 004, "RECURRENT NEURAL NETS" to "ACTION REQUIRED", Thursday.
"""
