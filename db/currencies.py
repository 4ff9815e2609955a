"""Hold the currencies that Telegram takes, with Telegram's own exponents.

Source: https://core.telegram.org/bots/payments/currencies.json. The exponents differ from those of
CLDR, for example for RSD. An amount that crosses to Telegram has Telegram's exponent, so every
amount here has it too. Telegram's smallest and largest amounts follow the exchange rates and change
daily. Therefore this table does not hold them, and Telegram itself refuses such an invoice.
"""

from db.money import STARS

_WHOLE_UNITS = "CLP ISK JPY KRW PYG UGX VND"
_HUNDREDTHS = (
    "AED AFN ALL AMD ARS AUD AZN BAM BDT BGN BND BOB BRL CAD CHF CNY COP CRC CZK DKK DOP DZD EGP"
    " EUR GBP GEL GTQ HKD HNL HRK HUF IDR ILS INR JMD KES KGS KZT LBP LKR MAD MDL MNT MUR MVR MXN"
    " MYR MZN NGN NIO NOK NPR NZD PAB PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TJS TRY TTD"
    " TWD TZS UAH USD UYU UZS YER ZAR"
)

EXPONENTS = {
    STARS: 0,
    **dict.fromkeys(_WHOLE_UNITS.split(), 0),
    **dict.fromkeys(_HUNDREDTHS.split(), 2),
}
"""The number of decimals of each currency that Telegram takes."""


def exponent(currency: str) -> int:
    """Return the number of decimals of a currency. Raises KeyError if Telegram does not take it."""
    return EXPONENTS[currency]
