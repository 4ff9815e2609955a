"""Try statements of a stolen login, and undo them."""

import asyncpg


async def refused_state(connection: asyncpg.Connection, *statements: str) -> str | None:
    """Run statements and undo them. Return the SQLSTATE of the error, or None."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        for statement in statements:
            await connection.execute(statement)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    finally:
        await transaction.rollback()
    return None
