"""What came of a sweep as rows against pairs: a board for each measure, with means, verdicts and the trials behind."""
