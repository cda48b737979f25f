"""Where a hand-in runs, and how the grader's process talks with it.

`choice` picks an `isolation`; `sandbox` starts it and `supervisor` watches it; `frames` and `exchange` carry messages.
`worker`, `desk` and `cells` run inside, beside copies of `frames`, `exchange`, `checks/raised` and `checks/values`; so
they import none of the package.
"""
