"""Who does something, and in which role."""

from contextvars import ContextVar
from dataclasses import dataclass

from db.models.users import Role
from services.platform import errors

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
"""What joins the logs, audit rows and transfers of one press, command or tick."""


@dataclass(frozen=True)
class Actor:
    """Who speaks, as the entry point has established it; nothing else is trusted."""

    user_id: int | None
    """Null is the clock."""
    roles: frozenset[Role] = frozenset()
    in_admin_chat: bool = False
    """Whether the act comes from the admin chat itself, not in an anonymous admin's name."""

    def staff_role(self, *allowed: Role) -> Role | None:
        """Return the held role among these, if the act comes from the admin chat."""
        if not self.in_admin_chat:
            return None
        return next((role for role in allowed if role in self.roles), None)

    def require_staff(self, *allowed: Role, action: str) -> Role:
        """Return the held role among these.

        Raises AccessDenied without the role, or outside the admin chat (product spec, people).
        """
        role = self.staff_role(*allowed)
        if role is None:
            raise errors.AccessDenied(action)
        return role


SYSTEM = Actor(user_id=None)
"""The clock."""

MODERATORS = (Role.ADMIN, Role.SUPER_ADMIN)
OPERATORS = (Role.OPERATOR, Role.SUPER_ADMIN)
STAFF = (Role.ADMIN, Role.OPERATOR, Role.SUPER_ADMIN)
