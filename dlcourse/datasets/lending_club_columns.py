"""The columns of Lending Club's loan file that the course uses, and how their texts become numbers.

Only what was known when the loan was granted: payments, recoveries, settlements and scores drawn later tell the outcome
and are not read. Rate, grade and instalment are known in time, but are the lender's own judgement of the risk.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_GRADES = "ABCDEFG"

NUMBERS: dict[str, str] = {
    "loan_amnt": "amount of the loan, in USD",
    "installment": "monthly instalment, in USD",
    "annual_inc": "yearly income as the borrower states it, in USD",
    "dti": "monthly payments on other debts, without mortgage, as a share of monthly income, in percent",
    "delinq_2yrs": "payments 30 days or more late in the last two years",
    "fico_range_low": "FICO score at the application, lower end of the range of 5 that is published",
    "inq_last_6mths": "credit inquiries in the last six months",
    "open_acc": "open credit lines",
    "pub_rec": "derogatory public records",
    "revol_bal": "revolving balance, in USD",
    "total_acc": "credit lines ever opened",
    "mort_acc": "mortgage accounts; missing in the early years",
    "pub_rec_bankruptcies": "bankruptcies on public record",
}
CATEGORIES: dict[str, str] = {
    "grade": "Lending Club's grade, A (safest) to G",
    "sub_grade": "Lending Club's grade in finer steps, A1 to G5",
    "home_ownership": "housing: own, mortgage, rent ...",
    "verification_status": "whether Lending Club verified the income",
    "purpose": "what the loan is for",
    "addr_state": "US state of the borrower",
    "application_type": "one borrower or two",
}
ORDERED: dict[str, list[str]] = {
    "grade": list(_GRADES),
    "sub_grade": [f"{grade}{step}" for grade in _GRADES for step in range(1, 6)],
}
TEXTS: dict[str, str] = {
    "term": "duration of the loan, in months",
    "int_rate": "interest rate, in percent a year",
    "emp_length": "years with the employer: 0 is under one, 10 is ten or more",
    "revol_util": "share of the revolving credit in use, in percent",
    "issue_d": "month in which the loan was paid out",
    "earliest_cr_line": "month of the borrower's first credit line",
}
STATUS = "loan_status"
CLASSES: dict[str, int] = {"Fully Paid": 0, "Charged Off": 1, "Default": 1}
USED: tuple[str, ...] = (*NUMBERS, *CATEGORIES, *TEXTS, STATUS)


def _months_of_term(text: str) -> float:
    number, unit = text.split()
    if unit != "months":
        raise ValueError(text)
    return float(int(number))


def _percent(text: str) -> float:
    return float(text.strip().removesuffix("%"))


def _years_employed(text: str) -> float:
    if text == "< 1 year":
        return 0.0
    number, unit = text.split()
    if unit not in ("year", "years"):
        raise ValueError(text)
    return float(int(number.removesuffix("+")))


def month_number(text: str) -> float:
    """Turn a month into its number, counted from January of the year 0.

    Args:
        text: English month and year with four digits, such as "Dec-2015", whatever the machine's locale.

    Returns:
        12 * year + month, January being 0.

    Raises:
        ValueError: for any other text.

    Example:
        >>> month_number("Dec-2015") - month_number("Aug-2003")
        148.0

    Used in: Lab 04
    """
    month, year = text.split("-")
    if len(year) != 4:
        raise ValueError(text)
    return float(12 * int(year) + _MONTHS.index(month))


# Column: what turns a text into a number, and examples for the message when it cannot.
PARSERS: dict[str, tuple[Callable[[str], float], str]] = {
    "term": (_months_of_term, "'36 months'"),
    "int_rate": (_percent, "'13.56%' or '13.56'"),
    "emp_length": (_years_employed, "'< 1 year', '3 years' or '10+ years'"),
    "revol_util": (_percent, "'29.7%' or '29.7'"),
    "issue_d": (month_number, "'Dec-2015'"),
    "earliest_cr_line": (month_number, "'Aug-2003'"),
}


def parse_texts(column: str, texts: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Turn a column of few different texts into numbers, each text once.

    Args:
        column: name of the column, one of `PARSERS`.
        texts: the different texts of the column, shape (k,).
        codes: for each row the number of its text, -1 where it is missing, shape (n,).

    Returns:
        The numbers, NaN where missing, shape (n,), float64.

    Raises:
        ValueError: for a text that the column's parser does not know; names the column and shows what it expects.

    Example:
        >>> parse_texts("term", np.array([" 36 months", " 60 months"]), np.array([0, 1, -1]))
        array([36., 60., nan])

    Used in: Lab 04
    """
    parser, examples = PARSERS[column]
    numbers = np.full(len(texts) + 1, np.nan)
    for position, text in enumerate(texts):
        try:
            # Texts that all look like numbers come from pandas as numbers.
            numbers[position] = parser(str(text))
        except ValueError:
            raise ValueError(f"column {column}: got {text!r}, expected a value such as {examples}.") from None
    # Code -1, a missing value, finds the NaN at the end.
    return numbers[codes]
