"""List all attacks with a stolen database password."""

from tests.factories.attacks_on_money import ON_MONEY
from tests.factories.attacks_on_operations import ON_OPERATIONS

ATTACKS = ON_MONEY + ON_OPERATIONS
