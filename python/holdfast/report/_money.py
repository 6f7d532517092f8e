"""How the report writes amounts: with the currency that the project names, if it names one."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.report import _words as words

__all__ = ["Money"]

# where a spreadsheet reads a comma as the decimal mark, and a semicolon between cells
_COMMA_LOCALES = ("de", "ru")


@dataclass(frozen=True)
class Money:
    """The currency and the locale of a project.

    Attributes
    ----------
    currency
        An ISO 4217 code such as ``EUR``; none where the project names none.
    locale
        The language of the reasons: en, de or ru. The page itself is English, so its numbers are,
        too; a CSV file follows the locale, since spreadsheets do.
    """

    currency: str = ""
    locale: str = "en"

    def write(self, value: float | None) -> str:
        r"""Write an amount with its currency, or a dash.

        Examples
        --------
        >>> Money("EUR").write(51303.2), Money().write(51303.2), Money("EUR").write(None)
        ('EUR\xa051,303', '51,303', '-')
        """
        text = words.money(value)
        # a no-break space keeps the currency beside its amount
        return text if value is None or not self.currency else f"{self.currency}\u00a0{text}"

    def titled(self, title: str) -> str:
        """Name an axis or a column of amounts.

        Examples
        --------
        >>> Money("EUR").titled("value at risk"), Money().titled("value at risk")
        ('value at risk (EUR)', 'value at risk')
        """
        return f"{title} ({self.currency})" if self.currency else title

    @property
    def csv(self) -> dict[str, str]:
        """The separator of cells and the decimal mark that spreadsheets of this locale expect."""
        is_comma = self.locale in _COMMA_LOCALES
        return {"separator": ";" if is_comma else ",", "decimal": "," if is_comma else "."}
