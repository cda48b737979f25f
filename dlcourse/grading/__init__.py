"""Grading hand-ins that nobody trusts: cleaned, run in a sandbox, judged outside it.

    hand-in --reading--> programme --sandboxes--> what came back --scoring--> verdicts --reporting--> report

`grade` runs a batch, `verdicts` one hand-in, `conversation` talks with its worker, `library` makes the dlcourse without
answers that stands inside, `state` keeps what is finished. Inside the sandbox runs `sandboxes/worker.py` with the
hand-in's code; it can only answer calls. Inputs, references, limits and verdicts stay with the grader's process.
docs/threat_model.md says what is defended and how.
"""
