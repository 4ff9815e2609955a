alert-firing = 🚨 { $what }
alert-over = ✅ Over: { $what }
alert-resolved = ✅ Over after { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
}: { $what }
alert-outage = { $kind ->
    [disk_full] The disk of PostgreSQL is full: nothing can be saved
    [read_only] PostgreSQL is read-only: nothing can be saved
    [no_connection] PostgreSQL has no free connection: nothing works
    [missing] PostgreSQL answers, but the product's database is gone: nothing works
   *[other] PostgreSQL does not answer: nothing works
}
alert-outage-advice = { $kind ->
    [disk_full] Free space on the disk of PostgreSQL, or make it larger.
    [read_only] Let PostgreSQL accept writes again, or set DATABASE_URL to the server that does.
    [no_connection] Find who uses the connections (pg_stat_activity), and end what is not needed.
    [missing] Stop every bot and scheduler, and restore the newest backup: docs/incidents.md, “The database is lost: a backup is restored”. Or correct the name in DATABASE_URL, if it was changed.
   *[other] Start PostgreSQL again if it has ended, repair the way to it, or end the session that holds a lock. If its data are lost, restore a backup: docs/incidents.md, “The database is lost: a backup is restored”.
} { $kind ->
    [missing] Payments and messages wait at Telegram for 24 hours. A message here says when the backup is restored; every kill switch is stopped then.
   *[other] Payments and messages wait at Telegram for 24 hours and are not lost. When the database works again, everything goes on by itself, and a message here says that this is over.
}
alert-what = { $name ->
    [conflicts] Acts collide: stale states, lock time-outs or deadlocks, more than one a minute
    [approve_failures] Approvals fail
    [approve_timeouts] Approvals take too long and are broken off
    [hold_failures] Holding money in escrow fails
    [approve_slow] Approvals are slow: more than 5 of 100 take over half a second
    [telegram_errors] Telegram does not answer properly
    [poller_displaced] Another program asks Telegram for this bot's updates
    [redis_away] Redis does not answer: form drafts and shared rate limits are missing
    [webhook_foreign] Somebody else has set a webhook for this bot. It was set back; change the token if it was not you
    [ledger_violation] The ledger's invariants are broken. Holds, payouts, refunds, withdrawals and adjustments are stopped
    [audit_chain_broken] The audit chain of the ledger has a fault
    [telegram_down] Telegram is down. No ad is sent until it answers
    [dead_letters] Posts have failed for good in the last hour
    [uncertain_posts] Posts may or may not be in their channels. The bot looks for them
    [escrows_late] Money is held longer than ESCROW_SLA for posts that are not out
    [refunds_late] Failed posts are not refunded
    [returns_late] Payments that are to be given back are late. /report returns shows Telegram's last answer
    [clicks_lost] Clicks on ads were lost. The links still lead to their targets
    [payouts_wait] Payouts wait for an admin: their channel has another creator for more than a day
    [switch_missing] A kill switch has no row, so it counts as stopped
    [switch_stopped] A kill switch is stopped: what it lets through waits or is refused
    [ledger_check_late] The ledger was not checked for more than five minutes
    [inbox_late] Messages of people wait for an answer for more than a minute
    [alarms_late] Alarms to the admin chat wait for more than a minute
    [bot_missing] No bot gives a sign of life: nobody gets an answer
    [scheduler_missing] No scheduler gives a sign of life: nothing is posted, paid or refunded
    [database_away] PostgreSQL does not answer: nothing works
   *[other] { $name }
}
