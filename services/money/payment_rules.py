"""Define the invariants about payments that people have made to the platform."""

RULES: tuple[tuple[str, str, str], ...] = (
    (
        "deposit_credited_once",
        "a credited deposit without its two entries, or entries of one that was not credited",
        """
        SELECT d.id AS ref, d.status FROM deposits d
        WHERE (SELECT COUNT(*) FROM explained_entries l
            WHERE l.reference_id = d.id AND l.reason = 'deposit')
            <> CASE WHEN d.credited_at IS NULL THEN 0 ELSE 2 END
            OR (d.status = 'credited' AND d.credited_at IS NULL)
            OR (d.status = 'received' AND d.credited_at IS NOT NULL)
        """,
    ),
    (
        "clawback_booked_once",
        "a reversed deposit without its clawback, or one whose transfer is not its amounts",
        """
        SELECT d.id AS ref, d.status, c.id AS clawback_id
        FROM deposits d FULL JOIN clawbacks c ON c.deposit_id = d.id
        WHERE (d.status = 'clawed_back') IS DISTINCT FROM (c.id IS NOT NULL)
            OR (c.id IS NOT NULL AND (
                (c.recovered + c.loss > 0) <> (d.credited_at IS NOT NULL)
                OR c.recovered + c.loss <> COALESCE((
                    SELECT SUM(l.amount) FROM explained_entries l
                    WHERE l.reference_id = c.id AND l.reason = 'clawback' AND l.amount > 0), 0)))
        """,
    ),
    (
        "deposit_returned_once",
        "a deposit that was given back more than once, or without its transfers, or the reverse",
        """
        SELECT d.id AS ref, d.status, r.id AS return_id, r.status AS return_status
        FROM deposits d LEFT JOIN deposit_returns r ON r.deposit_id = d.id
        WHERE (d.status = 'returned' OR r.id IS NOT NULL) AND (
            (SELECT COALESCE(SUM(o.amount), 0) FROM deposit_returns o
                WHERE o.deposit_id = d.id AND o.status <> 'refused') > d.amount
            OR (d.status = 'returned') <> EXISTS (
                SELECT FROM deposit_returns o WHERE o.deposit_id = d.id AND o.status = 'done')
            OR (r.id IS NOT NULL AND EXISTS (
                SELECT FROM (VALUES ('return_hold', true), ('deposit_return', r.status = 'done'),
                    ('return_refused', r.status = 'refused')) AS expected (reason, is_posted)
                WHERE r.amount * expected.is_posted::int <> COALESCE((
                    SELECT SUM(l.amount) FROM explained_entries l
                    WHERE l.reference_id = r.id AND l.reason = expected.reason
                        AND l.amount > 0), 0))))
        """,
    ),
)
"""The name, the meaning and the query of each, as `Invariant` in `invariants` explains them."""
