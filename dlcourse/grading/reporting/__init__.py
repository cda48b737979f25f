"""What the grader gets: grade book, machine-readable results, one page, feedback to hand back."""
