"""Define the actor: the person or the system that does an act."""

from dataclasses import dataclass

from db.models.users import Role
from services.platform import errors


@dataclass(frozen=True)
class Actor:
    """The person or the system that does an act, with the person's staff roles."""

    user_id: int | None
    """The person's user id, or None for the system."""
    roles: frozenset[Role] = frozenset()
    in_admin_chat: bool = False
    """Whether the act comes from the admin chat or the command line."""
    inbox_id: int | None = None
    """The id of the inbox row with the person's update, or None."""

    def staff_role(self, *allowed: Role) -> Role | None:
        """Return the first role of `allowed` that the actor has.

        Returns None if the actor has no such role or acts outside the admin chat.
        """
        if not self.in_admin_chat:
            return None
        return next((role for role in allowed if role in self.roles), None)

    def require_staff(self, *allowed: Role, action: str) -> Role:
        """Return the first role of `allowed` that the actor has. Source: the product specification.

        Raises AccessDenied if the actor has no such role or acts outside the admin chat.
        """
        role = self.staff_role(*allowed)
        if role is None:
            raise errors.AccessDenied(action)
        return role

    def require_user(self, *, action: str) -> int:
        """Return the actor's user id. Raises AccessDenied if the actor is the system."""
        if self.user_id is None:
            raise errors.AccessDenied(action)
        return self.user_id


SYSTEM = Actor(user_id=None)
"""The actor if no person acts, for example in a run of the scheduler."""

MODERATORS = (Role.ADMIN, Role.SUPER_ADMIN)
OPERATORS = (Role.OPERATOR, Role.SUPER_ADMIN)
STAFF = (Role.ADMIN, Role.OPERATOR, Role.SUPER_ADMIN)
