"""Looks for personal data in the cells of a frame by presidio's pattern recognizers, without any language model.

The recognizers are called one by one: nothing is downloaded, no network is used, and no value leaves this module.
Which kinds are looked for, which not, and why: ``docs/decisions/0018-what-counts-as-personal-data.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from ipaddress import ip_interface
from typing import TYPE_CHECKING, Any

from checks.contract import SEED
from checks.evidence import Declaration
from checks.methods.schema import as_category
from checks.personal import ColumnScan, EntityHits, PersonalDataScan

if TYPE_CHECKING:
    import pandas as pd

MOST_CELLS = 20_000
"""Cells looked at in all, shared among the columns: a fifth of a millisecond each at worst."""
MOST_A_COLUMN = 5_000
LONGEST_CELL = 2_000
"""Characters of a cell that are looked at."""
LONG_NUMBER = 10**8
"""A whole number of nine digits or more may be that of a person, a telephone or a card."""

SURE = 0.5
"""The score from which a match of presidio's counts: below are shapes that it calls weak, such as nine digits."""
DIGITS = "0123456789"
_BY_LUHN, _BY_MODULO_11 = 1 / 10, 1 / 11
_DIALLED = re.compile(r"\+|\(\d{2,5}\)")
"""How a telephone number begins where it is written as one: +49 ..., (212) ...; bare digits may be anything."""
_TELEPHONES = re.compile(r"phone|mobile|telefon|(?:^|[^a-z])tel(?:$|[^a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class _Kind:
    """A kind of personal data. Texts without any of the characters ``needs`` are passed over.

    ``accept`` sees each match from the score ``sure`` on. ``chance``: the share of what has the kind's shape that
    its check digit accepts where nothing is personal; 0 where nobody would write such a thing by chance.
    """

    name: str
    recognizer: Any
    needs: str = DIGITS
    accept: Callable[[str], bool] = bool
    chance: float = 0.0
    sure: float = SURE

    @cached_property
    def _shapes(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern.regex) for pattern in self.recognizer.patterns]

    def in_text(self, text: str) -> bool:
        if not any(one in text for one in self.needs):
            return False
        found = self.recognizer.analyze(text, self.recognizer.supported_entities, None)
        spans = ((one.start, one.end) for one in found if one.score >= self.sure)
        return any(self.accept(text[a:b]) for a, b in spans if not _in_a_fraction(text, a, b))

    def shaped(self, text: str) -> bool:
        """Whether anything in ``text`` has the shape of the kind, whatever its check digit."""
        if not self.chance:
            return self.in_text(text)
        spans = (match.span() for shape in self._shapes for match in shape.finditer(text))
        return any(not _in_a_fraction(text, *span) for span in spans)


def scan(frame: pd.DataFrame, declared: Declaration) -> PersonalDataScan:
    """Every text and id column of ``frame``, or a seeded sample of its cells.

    Columns of text, of categories and of long whole numbers are looked at, and the id column whatever it holds.

    Raises:
        RuntimeError: a column could not be scanned; names the column, never a value.
    """
    columns = [name for name in frame.columns if _may_hold_people(frame[name], declared)]
    most = min(MOST_A_COLUMN, MOST_CELLS // max(len(columns), 1))
    library = f"presidio-analyzer {version('presidio-analyzer')}"
    kinds = tuple(kind.name for kind in _kinds())
    return PersonalDataScan(len(frame), tuple(_scan_column(frame[name], most) for name in columns), kinds, library)


def _may_hold_people(column: pd.Series[Any], declared: Declaration) -> bool:
    from pandas.api import types

    if column.name == declared.id_column:
        return True
    if types.is_bool_dtype(column) or types.is_datetime64_any_dtype(column):
        return False
    if types.is_integer_dtype(column):
        return bool(len(column) and column.max() >= LONG_NUMBER)
    return not types.is_numeric_dtype(column)


def _scan_column(column: pd.Series[Any], most: int) -> ColumnScan:
    name, filled = str(column.name), column.reset_index(drop=True).dropna()
    sample = filled if len(filled) <= most else filled.sample(most, random_state=SEED).sort_index()
    texts = sample.astype(object).map(as_category).str.slice(0, LONGEST_CELL)
    try:
        kinds = _kinds(of_telephones=_TELEPHONES.search(name) is not None)
        found = tuple(hits for kind in kinds if (hits := _count(kind, texts)).candidates)
    except Exception as error:  # noqa: BLE001 - its message may quote the cell
        raise RuntimeError(f"the column {name} could not be scanned ({type(error).__name__})") from None
    return ColumnScan(name, len(filled), len(sample), found)


def _count(kind: _Kind, texts: pd.Series[Any]) -> EntityHits:
    """Equal cells are looked at once and counted as often as they occur."""
    times = texts.value_counts(sort=False)
    shaped = [text for text in times.index if kind.shaped(text)]
    real = [text for text in shaped if kind.in_text(text)] if kind.chance else shaped
    first_row = int(texts.index[texts.isin(real)].min()) if real else None
    return EntityHits(kind.name, int(times[shaped].sum()), int(times[real].sum()), kind.chance, first_row)


@cache
def _kinds(*, of_telephones: bool = False) -> tuple[_Kind, ...]:
    """Made here, not at import: presidio takes seconds to import, and only an attempt's process needs it."""
    from presidio_analyzer import predefined_recognizers as presidio
    from tldextract import TLDExtract

    domains = TLDExtract(suffix_list_urls=(), cache_dir=None)  # the list that comes with it; else it is fetched

    class Emails(presidio.EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return domains(pattern_text).fqdn != ""

    phone = presidio.PhoneRecognizer()
    return (
        _Kind("EMAIL_ADDRESS", Emails(), "@"),
        _Kind("PHONE_NUMBER", phone, sure=0.0)
        if of_telephones
        else _Kind("PHONE_NUMBER", phone, "+(", _is_dialled, sure=0.0),
        _Kind("IBAN_CODE", presidio.IbanRecognizer()),
        _Kind("IP_ADDRESS", presidio.IpRecognizer(), ".:", _is_global),
        _Kind("US_SSN", presidio.UsSsnRecognizer()),
        _Kind("IT_FISCAL_CODE", presidio.ItFiscalCodeRecognizer(supported_language="en")),
        _Kind("CREDIT_CARD", presidio.CreditCardRecognizer(), chance=_BY_LUHN),
        _Kind("UK_NHS", presidio.NhsRecognizer(), chance=_BY_MODULO_11),
    )


def _is_dialled(text: str) -> bool:
    return _DIALLED.match(text) is not None


def _is_global(text: str) -> bool:
    """An address in the public network; those of a machine itself or a local net lead to nobody."""
    return ip_interface(text).is_global


def _in_a_fraction(text: str, start: int, end: int) -> bool:
    """Whether the digits are part of a number with a point, such as 685.4420107180272."""
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    return bool(re.fullmatch(r"\d[.,]", before) or re.fullmatch(r"[.,]\d", after))
