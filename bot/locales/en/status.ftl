health = 🩺 Health, { $at }
next-step = { $name ->
    [health] 🩺 Health
    [ledger] 📒 Check the ledger
    [incidents] 🚨 Incidents
    [switches] 🎛 All switches
    [queue] ⏳ Placements that wait
    [dlq] ☠️ Failed posts
   *[withdrawals] 🏦 Withdrawals
}
health-well = ✅ { $stopped ->
    [0] Nothing needs a human.
   *[other] Nothing else needs a human.
}
health-stopped = 🔴 STOPPED: { $keys }. A stopped switch runs again by /killswitch.
health-look = ⚠️ { $count ->
    [one] One line needs
   *[other] { $count } lines need
} a human:
health-rest = The rest is well:
health-switch = { $state ->
    [running] 🟢 { $key }: running
   *[STOPPED] 🔴 { $key }: STOPPED
} ({ $reason })
health-line = { $state ->
    [ok] ✅
    [unknown] ❔
   *[LOOK] ⚠️
} { $name ->
    [database] the database
    [redis] Redis (forms and rate limits)
    [open_incidents] open incidents (/incidents)
    [alerts_firing] alerts that are firing
    [telegram_down_since] Telegram does not answer since
    [last_ledger_check_age] last check of the ledger, ago
    [ledger_violations] broken invariants (/ledger)
    [last_audit_chain_link] last link of the audit chain
    [oldest_entry_without_link_age] oldest entry without a link, age
    [schedulers_alive] schedulers alive
    [scheduler_heartbeat_age] last sign of a scheduler, ago
    [bot] the bot
    [inbox_waiting] updates that wait
    [inbox_oldest_age] oldest update that waits, age
    [parked_payments] parked payments (adtech parked-payments)
    [outbox_due] messages that wait
    [outbox_oldest_age] oldest message that waits, age
    [posts_due] posts that are due
    [posts_oldest_due_age] oldest post that is due, age
    [posts_sending] posts being sent
    [posts_abandoned] posts whose send was abandoned
    [posts_uncertain] uncertain posts
    [posts_oldest_uncertain_age] oldest uncertain post, age
    [escrows_held] held escrows
    [money_held] money held
    [escrows_stuck] stuck escrows (/report)
    [dead_letters] failed posts (/dlq)
    [dead_letters_of_a_day] failed posts of the last 24 hours
    [oldest_refund_due_age] oldest refund that is due, age
    [withdrawals_waiting] withdrawals that wait (/withdrawals)
    [connections_used_percent] connections of the database, %
    [postgresql_version] PostgreSQL
    [schema_revision] the database's schema
    [product_version] this product
   *[other] { $name }
}: { $value }
health-detail = { $line } ({ $detail })
health-word = { $word ->
    [answers] answers
    [does_not_answer] DOES NOT ANSWER
    [refuses_the_login] REFUSES THE LOGIN
    [is_missing] IS MISSING
    [disk_full] ITS DISK IS FULL: NOTHING CAN BE SAVED
    [read_only] READ-ONLY: NOTHING CAN BE SAVED
    [fails] FAILS FOR A PART OF THE WORK
    [takes_updates] takes updates
    [does_not_run] DOES NOT RUN
    [takes_no_updates] TAKES NO UPDATES
    [unknown] unknown
    [none] none
   *[other] { $word }
}
health-seconds = { $count } s
health-minutes = { $count } min
health-hours = { $count } h
