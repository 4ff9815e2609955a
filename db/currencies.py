"""List the currencies that Telegram accepts, with their decimals and the limits of invoices.

Sources: https://core.telegram.org/bots/payments/currencies.json, and Telegram Desktop's
`LookupCurrencyRule` in `ui/text/format_values.cpp` for the decimals of BYN, ETB and MOP. XOF and
BHD are missing, because no source has their decimals. Telegram refuses invoices outside its own
limits, which change daily.
"""

from db.money import MAX_AMOUNT, STARS

_WHOLE_UNITS = "CLP ISK JPY KRW PYG UGX VND"
_HUNDREDTHS = (
    "AED AFN ALL AMD ARS AUD AZN BAM BDT BGN BND BOB BRL BYN CAD CHF CNY COP CRC CZK DKK DOP DZD"
    " EGP ETB EUR GBP GEL GTQ HKD HNL HRK HUF IDR ILS INR JMD KES KGS KZT LBP LKR MAD MDL MNT MOP"
    " MUR MVR MXN MYR MZN NGN NIO NOK NPR NZD PAB PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB"
    " TJS TRY TTD TWD TZS UAH USD UYU UZS YER ZAR"
)

EXPONENTS = {
    STARS: 0,
    **dict.fromkeys(_WHOLE_UNITS.split(), 0),
    **dict.fromkeys(_HUNDREDTHS.split(), 2),
}
"""The number of decimals of each currency that Telegram accepts."""

_LARGEST = (
    "AED 3672991 AFN 85030416 ALL 102791475 AMD 490536665 ARS 98157992 AUD 1366680"
    " AZN 1698045 BAM 1654777 BDT 85345579 BGN 1655478 BND 1341800 BOB 6919953 BRL 5223302"
    " CAD 1263750 CHF 922096 CLP 7780494 CNY 6444198 COP 3815000000 CRC 625206230 CZK 21464597"
    " DKK 6311260 DOP 56710634 DZD 135314991 EGP 15713604 EUR 848788 GBP 723134 GEL 3115020"
    " GTQ 7740475 HKD 7783265 HNL 24250074 HRK 6356995 HUF 295874993 IDR 14253500000"
    " ILS 3208310 INR 73420499 ISK 1271395 JMD 149381097 JPY 1088524 KES 110049923"
    " KGS 84795972 KRW 11720801 KZT 426649632 LBP 1528222616 LKR 199641772 MAD 8946498"
    " MDL 17691657 MNT 2839237786 MUR 42650475 MVR 15399549 MXN 19870775 MYR 4158501"
    " MZN 63785009 NGN 411790459 NIO 35149769 NOK 8596330 NPR 117910536 NZD 1405110"
    " PAB 1000736 PEN 4109527 PHP 49945018 PKR 169500733 PLN 3880010 PYG 68964321 QAR 3640975"
    " RON 4199702 RSD 97363486 RUB 72446503 SAR 3750410 SEK 8608360 SGD 1342580 THB 32976498"
    " TJS 11343058 TRY 8444250 TTD 6795496 TWD 27704501 TZS 2318999792 UAH 26661647"
    " UGX 35325273 USD 1000000 UYU 42785106 UZS 10713612481 VND 227565000 YER 250849446"
    " ZAR 14484800"
)
_SMALLEST_PART = 10_000
"""The largest invoice of a currency, divided by the smallest one."""


def _limits() -> dict[str, tuple[int, int]]:
    words = _LARGEST.split()
    largest = {code: int(amount) for code, amount in zip(words[::2], words[1::2], strict=True)}
    return {code: (amount // _SMALLEST_PART, amount) for code, amount in largest.items()}


LIMITS = _limits() | {STARS: (1, MAX_AMOUNT)}
"""The smallest and the largest invoice of each currency, in minor units.

BYN, ETB and MOP are missing.
"""


def exponent(currency: str) -> int:
    """Return the number of decimals of a currency. Raises KeyError if the currency is unknown."""
    return EXPONENTS[currency]
