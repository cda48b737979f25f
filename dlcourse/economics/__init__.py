"""Dynamic stochastic economies of overlapping generations, and networks that solve them.

Used in: Lab 08

Reference: Lecture 004, "DYNAMIC STOCHASTIC ECONOMIC MODELS" to the end; Azinovic, Gaegauf and Scheidegger (2022),
Deep equilibrium nets, International Economic Review 63(4).
"""
