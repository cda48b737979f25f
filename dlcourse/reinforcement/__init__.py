"""Reinforcement learning: environments, replay, exploration, one training loop, and the agents that it trains.

Used in: Lab 06, Lab 07

Reference: Lecture 004, "REINFORCEMENT LEARNING" to "CONNECTION TO DYNAMIC PROGRAMMING".
"""
