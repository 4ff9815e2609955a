command-report = Reports about money, posts and acts
reports = 📊 Reports. Choose one, or write its name: /report held
    The shell prints each one in full, also as CSV: adtech report NAME
report-unknown = There is no report “{ $name }”. Choose one of these:
report = 📊 { $title } ({ $name })
report-empty = No rows.
report-wrong = ⚠️ A marked row must not be. What to do now: { $page }
report-id = { $report ->
    [ledger] wallet
    [drift] wallet
    [held] escrow
    [unpaid_releases] escrow
    [failed_jobs] post job
   *[orphans] placement
} { $id }
report-cell = { $name ->
    [user_id] user row
    [ledger_count] entries
    [ledger_sum] sum of its entries
    [balance] balance
    [is_valid] correct
    [campaign_target_id] placement
    [escrow_count] escrows
    [postjob_count] posts
    [campaign_id] campaign
    [channel_id] channel
    [owner_id] owner
    [status] status
    [created_at] since
    [uncertain_since] unknown since
    [next_search_at] next search
    [asks_admins_at] asks the admins on
    [state] state
    [job_status] post
    [amount] amount
    [release_due_at] to be paid
    [last_error] error
    [attempts] attempts
    [updated_at] last change
    [count] count
    [campaign_count] campaigns
    [target_count] placements
    [active_campaigns] active
    [draft_campaigns] drafts
    [posted_targets] with a paid placement
    [approved_targets] with an approved placement
    [latest] latest
    [revenue] revenue
    [fees] fees
    [held] held
    [newly_held] newly held
    [released_or_refunded] released or refunded
    [charge_id] charge
    [telegram_id] person
   *[other] { $name }
}: { $value }
report-again = 🔄 Read again
report-yes-no = { $value ->
    [yes] yes
   *[no] no
}
report-name = { $name ->
    [ledger] Ledger, newest wallets
    [drift] Wrong balances
    [escrow_uniqueness] Double escrows
    [job_uniqueness] Double posts
    [orphans] Approved, no escrow
    [orphaned_targets] Orphaned placements
    [unpaid_releases] Released, not paid
    [held] Held escrows
    [uncertain] Uncertain posts
    [failed_jobs] Failed posts
    [campaign_statuses] Campaigns by status
    [job_statuses] Posts by status
    [escrow_statuses] Escrows by status
    [counts] Counts
    [week] Week
    [audit] Acts, 7 days
    [audit_recent] Acts, 10 minutes
    [revenue_by_day] Revenue by day
    [held_by_day] Held money by day
    [returns] Payments on their way back
    [unbooked_stars] Stars not booked
   *[other] { $name }
}
daily-report = 📅 Report of the day { $day } (UTC)
daily-money = { $name ->
    [revenue] 💰 Revenue
    [held] 🔒 Money held at the end of the day
    [newly_held] ➕ Newly held
   *[released_or_refunded] ➖ Released or refunded
}: { $amount }
daily-act = { $name ->
    [campaign_activated] Campaigns activated
    [target_submitted] Placements submitted
    [moderation_approved] Placements approved
    [moderation_rejected] Placements rejected
    [post_failed] Posts failed
    [post_uncertain] Posts with an unknown outcome
    [escrow_released] Escrows released
    [escrow_refunded] Escrows refunded
    [deposit_credited] Deposits credited
    [withdrawal_paid] Withdrawals paid
    [access_denied] Acts refused
   *[other] { $name }
}: { $count }
reports-button = 📊 Reports
report-button = 📊 { $title }
report-draw = 📈 Picture
report-caption = 📈 { $title }
    Largest: { $largest } on { $largest_day }
    Last: { $last } on { $last_day } (UTC)
report-uncertain-next = The bot searches for these posts, and sends nothing twice. Press a placement to open its card: what it shows, an admin decides. If you have the link of the post: /there PLACEMENT LINK
report-uncertain-card = ❔ Placement { $id }
report-kind = { $kind ->
    [refund] refund
   *[payment] payment
}
