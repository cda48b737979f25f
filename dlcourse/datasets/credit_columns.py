"""The 20 columns of the German credit data: what they hold, and what their codes mean, in two versions.

The code table that came with the data in 1994 assigns many meanings to the wrong codes. U. Groemping went back to the
German sources and published the right ones (South German Credit Data: Correcting a Widely Used Data Set, Beuth
University Berlin, Report 4/2019; UCI data set 522). A column whose meanings changed has both, `corrected` and
`statlog`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Meanings = Literal["corrected", "statlog"]


@dataclass(frozen=True)
class CreditColumn:
    """One column of german.data.

    Args:
        name: name of the column in the course's table.
        description: what it holds, with its unit.
        corrected: meaning of each code in the file; None for a column of plain numbers.
        statlog: the same in the table of 1994, where it differs; an empty dict where the codes were taken for plain
            numbers; None where the two agree.
        ordered: whether the meanings, in this order, run from less to more.

    Example:
        >>> COLUMNS[0].meanings("statlog")["A14"], COLUMNS[0].meanings("corrected")["A14"]
        ('no account', '>= 200 DM or salary account')

    Used in: Lab 04
    """

    name: str
    description: str
    corrected: dict[str, str] | None = None
    statlog: dict[str, str] | None = None
    ordered: bool = False

    def meanings(self, version: Meanings) -> dict[str, str] | None:
        """The meaning of each code, or None when the column holds plain numbers."""
        if version == "statlog" and self.statlog is not None:
            return self.statlog or None
        return self.corrected


def _codes(attribute: int, *meanings: str, first: int = 1) -> dict[str, str]:
    """Number the meanings as the file does: attribute 6 has the codes A61, A62, ..."""
    return {f"A{attribute}{number}": meaning for number, meaning in enumerate(meanings, start=first)}


def _numbers(*meanings: str) -> dict[str, str]:
    return {str(number): meaning for number, meaning in enumerate(meanings, start=1)}


_YEARS = ("under 1 year", "1 to 4 years", "4 to 7 years", "7 years or more")
_BALANCES = ("< 0 DM", "0 to 200 DM", ">= 200 DM or salary account")
_SAVINGS = ("< 100 DM", "100 to 500 DM", "500 to 1000 DM", ">= 1000 DM")
_NEW_CAR_TO_BUSINESS = (
    "new car",
    "used car",
    "furniture or equipment",
    "radio or television",
    "domestic appliances",
    "repairs",
    "education",
    "holiday",
    "retraining",
    "business",
)

COLUMNS: tuple[CreditColumn, ...] = (
    CreditColumn(
        "checking_account",
        "balance of the checking account at the bank, in Deutsche Mark (DM)",
        _codes(1, "no account", *_BALANCES),
        _codes(1, *_BALANCES, "no account"),
    ),
    CreditColumn("duration", "duration of the credit, in months"),
    CreditColumn(
        "credit_history",
        "how this and earlier credits were paid",
        _codes(
            3,
            "delays in the past",
            "critical account or credits elsewhere",
            "no credits, or all paid back",
            "existing credits paid so far",
            "all credits at this bank paid back",
            first=0,
        ),
        _codes(
            3,
            "no credits, or all paid back",
            "all credits at this bank paid back",
            "existing credits paid so far",
            "delays in the past",
            "critical account or credits elsewhere",
            first=0,
        ),
    ),
    CreditColumn(
        "purpose",
        "what the credit is for",
        _codes(4, "other", *_NEW_CAR_TO_BUSINESS, first=0),
        _codes(4, *_NEW_CAR_TO_BUSINESS, "other", first=0),
    ),
    CreditColumn("amount", "amount of the credit, in DM"),
    CreditColumn(
        "savings",
        "savings account or bonds, in DM",
        _codes(6, "unknown or none", *_SAVINGS),
        _codes(6, *_SAVINGS, "unknown or none"),
    ),
    CreditColumn("employment", "time with the present employer", _codes(7, "unemployed", *_YEARS), ordered=True),
    CreditColumn(
        "installment_rate",
        "instalment as a share of disposable income, in percent",
        _numbers(">= 35 %", "25 to 35 %", "20 to 25 %", "< 20 %"),
        {},
        ordered=True,
    ),
    CreditColumn(
        "personal_status",
        "sex and marital status; men and women share a code in the corrected table, so that it does not tell the sex",
        _codes(
            9,
            "man, divorced or separated",
            "woman, not single, or man, single",
            "man, married or widowed",
            "woman, single",
        ),
        _codes(
            9,
            "man, divorced or separated",
            "woman, divorced, separated or married",
            "man, single",
            "man, married or widowed",
            "woman, single",
        ),
    ),
    CreditColumn("other_debtors", "who else answers for the credit", _codes(10, "none", "co-applicant", "guarantor")),
    CreditColumn("residence", "time at the present address", _numbers(*_YEARS), {}, ordered=True),
    CreditColumn(
        "property",
        "most valuable property; each level applies when none of the better ones does",
        _codes(12, "unknown or none", "car or other", "building savings or life insurance", "real estate"),
        _codes(12, "real estate", "building savings or life insurance", "car or other", "unknown or none"),
    ),
    CreditColumn("age", "age, in years"),
    CreditColumn("other_plans", "instalment plans elsewhere", _codes(14, "bank", "store", "none")),
    CreditColumn("housing", "type of housing", _codes(15, "free", "rent", "own"), _codes(15, "rent", "own", "free")),
    CreditColumn(
        "credits_here",
        "credits at this bank, this one included",
        _numbers("1", "2 or 3", "4 or 5", "6 or more"),
        {},
        ordered=True,
    ),
    CreditColumn(
        "job",
        "level of the job",
        _codes(
            17,
            "unemployed, or unskilled and not resident",
            "unskilled, resident",
            "skilled employee or official",
            "manager, self-employed or highly qualified",
        ),
        ordered=True,
    ),
    CreditColumn("dependants", "persons entitled to maintenance", _numbers("0 to 2", "3 or more"), {}, ordered=True),
    CreditColumn("telephone", "telephone in the customer's name", _codes(19, "no", "yes")),
    CreditColumn("foreign_worker", "foreign worker", _codes(20, "no", "yes"), _codes(20, "yes", "no")),
)
