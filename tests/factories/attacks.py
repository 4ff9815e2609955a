"""List all attacks with a stolen database password."""

from tests.factories.attacks_in_others_names import IN_OTHERS_NAMES
from tests.factories.attacks_on_ads import ON_ADS
from tests.factories.attacks_on_money import ON_MONEY
from tests.factories.attacks_on_operations import ON_OPERATIONS
from tests.factories.attacks_past_switches import PAST_SWITCHES

ATTACKS = ON_MONEY + ON_ADS + ON_OPERATIONS + IN_OTHERS_NAMES + PAST_SWITCHES
