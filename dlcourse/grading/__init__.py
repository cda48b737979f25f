"""Grading hand-ins that nobody trusts: cleaned, run in a sandbox, judged outside it.

    hand-in --handins--> notebook --cleaning--> programme --sandbox--> results --verdicts--> report

Inside the sandbox runs `worker.py` with the hand-in's code; it can only answer calls. Inputs, references, limits and
verdicts stay with the grader's process. docs/threat_model.md says what is defended and how.
"""
