launch = 🚀 Launch: { $phase ->
    [none] not begun
    [0] phase 0, before the deployment
    [1] phase 1, deployed with all switches stopped
    [2] phase 2, tests without movements of money
    [3] phase 3, the first small placement
    [4] phase 4, the escrow and the ledger
    [5] phase 5, the other switches
    [sign] all phases have passed
   *[signed] signed
}
launch-line = { $state ->
    [passed] ✅
    [failed] ❌
   *[open] ▫️
} { $check }
launch-check = { $name ->
    [switch_rows] every kill switch has its row
    [all_stopped] every kill switch is stopped
    [nothing_active] no campaign is active and no post waits
    [still_stopped] every kill switch is still stopped after the deployment
    [api_health] the bot's health page answers that all parts work
    [schema_revision] the database has the schema of this release
    [guards_hold] the database has the guards of this release
    [processes_alive] a scheduler is alive
    [ledger_clean] every rule of the ledger holds
    [deposits_running] deposits runs, and no other switch
    [test_placement] a small placement waits, and its advertiser has the money
    [hold_blocked] new_escrows blocks the hold, and nothing changes
    [refunds_running] only deposits and refunds run
    [new_escrows_running] only deposits, refunds and new_escrows run
    [one_escrow_held] exactly one small escrow is held
    [hold_in_ledger] the ledger has the hold of this escrow
    [telegram_posting_running] telegram_posting runs too, and no other switch
    [worker_post_running] worker_post runs too, and no other switch
    [post_processed] the post job has ended
    [post_outcome] the post is published, or its failure is refunded
    [payout_blocked] payouts blocks a payout that is due, and nothing changes
    [escrow_fits_outcome] each escrow fits the result of its post
    [wallets_match] the wallets of the placement match the ledger
    [payouts_running] payouts runs too, and no other switch
    [payout_made] the owner of the channel is paid
    [ledger_after_payout] every rule of the ledger holds after the payout
    [withdrawals_running] withdrawals runs too, and no other switch
    [adjustments_running] adjustments runs too, and no other switch
    [worker_watchdogs_running] every switch runs
    [watched] nothing was wrong while the launch was watched
    [deployment_engineer] signature of the deployment engineer
    [on_call_engineer] signature of the on-call engineer
    [engineering_manager] signature of the engineering manager
   *[other] { $name }
}
launch-found = Found: { $found } ({ $at })
launch-fact = { $name ->
    [silent] no answer
    [balance] the advertiser has less money than the price
    [bot] the bot
    [database] the database
   *[scheduler] the scheduler
}
launch-price = the price is above { $amount }
launch-minutes = { $count } min are left
launch-transfer = transfer { $id } was made while its switch was stopped
launch-tester = placement { $id } does not count: a tester buys or sells it. Let people buy and sell it who are not marked (adtech testers list)
launch-counted = { $name ->
    [pending] placements that wait
    [escrows] held escrows
    [campaigns] active campaigns
    [post_jobs] posts that wait
    [incidents] incidents
    [violations] checks with a broken rule
    [due] payouts that are due
   *[ledger_checks] checks of the ledger
}: { $count }
launch-do = 👉 { $name ->
    [switch_rows] Put the rows of the named switches back: adtech check shows the command for each. Then check again.
    [all_stopped] Stop each switch named with a minus: /killswitch. Then check again.
    [still_stopped] Stop each switch named with a minus, and find out who ran it: /killswitch. Then check again.
    [nothing_active] Cancel or pause the active campaigns, wait until no post is queued, then check again.
    [api_health] Repair what is named, or start the bot on this machine. HTTP_HOST and HTTP_PORT say where it answers. Then check again.
    [schema_revision] Run the migrations of this release, then check again.
    [guards_hold] Put back what is named: adtech check shows the command for each. Then check again.
    [processes_alive] Start a scheduler, wait five seconds, then check again.
    [ledger_clean] Do not launch. All money is stopped. Repair the named rules as docs/runbook.md says (/incidents), then check again.
    [ledger_after_payout] All money is stopped. Repair the named rules as docs/runbook.md says (/incidents), then check again.
    [test_placement] In the bot: connect a channel with a low price and few promised hours, top up, activate a campaign and buy one placement (docs/launch.md). Do not approve it yet. Then check again.
    [hold_blocked] Do not launch if the hold was not refused by new_escrows: it was undone, and it must not work. Repair that, and check again.
    [one_escrow_held] Approve the waiting placement, and no other one. If more are held, let their advertisers cancel them until one is left. Then check again.
    [hold_in_ledger] Stop new_escrows, and compare the ledger with the escrow (/ledger). Then check again.
    [post_processed] Wait until the post is published. If it stays uncertain, decide on its card. Then check again.
    [post_outcome] Wait until the refund is made (a few seconds), then check again.
    [payout_blocked] Wait until the promised hours and the time for complaints are over and a check has seen the post. If the post failed, approve another small placement. Then check again. If the payout was not refused by payouts, do not launch.
    [escrow_fits_outcome] Wait a few seconds. If it stays so, stop all switches (/stop) and see docs/runbook.md. Then check again.
    [wallets_match] Do not launch. Stop all switches (/stop), then write /ledger. Then check again.
    [payout_made] Wait a few seconds. If it stays so, look at /incidents and /health. Then check again.
    [watched] Minutes: wait, and check again. A name: repair what it says, wait as long as LAUNCH_WATCH says, and check again.
   *[switch] Run the switches named with a plus, and stop those named with a minus, one at a time. Then check again.
}
launch-begin = 👉 Before you begin, read docs/launch.md. The first phase only reads.
launch-passed = 👉 This phase has passed. Begin the next one when everybody is ready.
launch-sign = 👉 Still to sign, each role by another person: { $open }
launch-few-signers = 👥 { $missing ->
    [one] One signature is missing
   *[other] { $missing } signatures are missing
}, and { $people ->
    [0] nobody is left who may sign
    [one] only one person may still sign
   *[other] only { $people } people may still sign
}. Operators and super admins sign, each once. Somebody becomes an operator with /grant ID operator why, which a second person confirms.
launch-signed = The launch is signed. From now on, the criteria of a rollback are watched: see docs/rollback.md.
launch-signature = ✍️ { $role }: { $by }, { $at }
launch-show = 🚀 Back to the launch
launch-again = 🔄 Check again
launch-next = ▶️ Begin phase { $phase }
launch-run-switch = ▶️ Run { $key }
launch-sign-as = ✍️ Sign: { $role }
launch-sign-question = Do you sign the launch as { $role }? You say with this that you have seen the results of all phases. It cannot be taken back.
launch-sign-sure = ✍️ Yes, I sign
launch-role = { $name ->
    [deployment_engineer] deployment engineer
    [on_call_engineer] on-call engineer
   *[engineering_manager] engineering manager
}
notice-rollback-criterion = 🛑 A criterion of a rollback is met: { $name ->
    [conflicts] acts collide: { $value } a minute for three minutes (limit { $threshold })
    [approve_timeouts] approvals took too long: { $value } within five minutes (limit { $threshold })
    [ledger_violations] a rule of the ledger is violated
    [deadlocks] deadlocks: { $value } within five minutes (limit { $threshold })
    [invariant_check_failed] the last check of the ledger failed
    [escrow_past_sla] escrows are held longer than ESCROW_SLA without a published post: { $value }
    [failed_without_refund] failed posts are not refunded: { $value } (limit { $threshold })
   *[telegram_errors] Telegram has not answered for more than five minutes
} (incident { $id }). All money and posting are stopped.
notice-rollback-command = Type first: { $name ->
    [ledger_violations] /incidents
    [invariant_check_failed] /ledger
    [failed_without_refund] /dlq
   *[other] /health
}
    Then decide with docs/rollback.md whether to roll back. Close the incident before you run the switches again.
