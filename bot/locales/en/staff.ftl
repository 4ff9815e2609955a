card = 🆕 Placement #{ $id }

    Campaign: { $campaign } (#{ $campaign_id })
    Advertiser: { $advertiser }, balance { $balance }
    Channel: { $channel } ({ $address ->
        [private] private: you can't look inside
       *[other] t.me/{ $address }
    })
    Owner: { $owner }
    Price: { $price }
    Stays: { $stays }
    To be published: { $when }
card-status = { $status ->
    [asked] ⏳ Waits for the owner of the channel. It cannot be approved before.
    [pending] ⏳ Waits for a decision.
    [approved] ✅ Approved by { $by }.
    [posted] ✅ Approved by { $by }; posted and paid.
    [refunded] ↩️ Approved by { $by }; refunded.
    [rejected] ❌ Rejected by { $by }.
    [declined] ❌ Declined by the owner of the channel.
    [withdrawn] Taken back by its advertiser.
    [expired] Nobody decided in time.
   *[other] { $status }
}
card-agreed = 🤝 { $by ->
    [owner] The owner
    [manager] A manager of the channel
   *[rule] The channel's rule
} accepted it: { $at }.
card-loss = ⛔ The advertiser owes { $loss }: a payment was taken back, or a withdrawal was paid twice. Nobody can approve this before the debt is repaid by a correction.
card-more = ➕ { $count ->
    [one] One more placement of this advertiser waits without a card.
   *[other] { $count } more placements of this advertiser wait without a card.
} The next card comes when one of these is decided. /queue shows all.
card-approve = ✅ Approve
card-reject = ❌ Reject
reject-reason = { $reason ->
    [forbidden] Forbidden content
    [misleading] Misleading
    [quality] Poor quality
    [link] Bad or broken link
    [channel] Does not fit the channel
    [other] Against the rules
   *[unknown] { $reason }
}
queue = ⏳ These wait for a decision, the oldest first:
queue-empty = ✅ Nothing waits for a decision.
queue-row = #{ $id } · { $campaign } → { $channel }

switches = 🎛 Kill switches, { $at }
switch-line = { $state ->
    [running] 🟢 { $key }: running
   *[stopped] 🔴 { $key }: STOPPED
} ({ $reason })
switch-reason = { $reason ->
    [incident] incident
    [suspicion] suspicion
    [maintenance] maintenance
    [drill] drill
    [resolved] resolved
    [launch] launch
    [drill_over] drill is over
    [missing] its row is missing
    [rollback_criterion] a criterion of a rollback is met
    [ledger_invariant_violated] the ledger's invariants are broken
    [created_stopped] new, never run yet
    [backup_restored] a backup was restored
    [guard_missing] the database lacks a guard of money
    [sandbox_first_start] first start of the sandbox
    [no_reason_given] no reason was given
   *[other] { $reason }
}
switch-stop = ⛔ Stop { $key }
switch-run = ▶️ Run { $key }
switch-stop-why = Why do you stop { $key }? Pressing a reason stops it at once.
switch-lets = { $key ->
    [new_escrows] approvals and holds of money
    [payouts] payouts to channel owners
    [refunds] refunds to advertisers
    [deposits] invoices, payments and their crediting
    [withdrawals] withdrawal requests and approvals
    [adjustments] corrections that move money
    [telegram_posting] publishing and restoring ads in channels
    [worker_post] taking queued posts to publish them
    [worker_watchdogs] automatic actions of the watchdogs
   *[other] { $key }
}
switch-run-question = ▶️ Run { $key } again? It allows: { $lets }. Choose the reason:
switch-run-sure = ▶️ Yes, run it: { $reason }
switch-stopped-again = It was stopped again after this question was asked. Look at the reason in the panel before you run it. Nothing was changed.
switch-which = “On” and “off” mean different things to different people. { $key } allows: { $lets }. What do you want to do?
switch-usage = ❔ “{ $words }” is no command. Nothing was changed. Usage:
    /killswitch: the panel
    /stop REASON: stop everything at once; the reason may be missing
    /killswitch stop KEY REASON: stop at once
    /killswitch run KEY: run again, after a question

    Keys: { $keys }
switch-changed = { $state ->
    [running] 🟢 { $key } is running.
   *[stopped] 🔴 { $key } is STOPPED.
}
switch-unchanged = { $state ->
    [running] 🟢 { $key } was running already. Nothing was changed.
   *[stopped] 🔴 { $key } was stopped already. Nothing was changed.
}
switch-stop-waits = ⏳ NOT stopped yet: another session of the database holds the stop up, and I could not end it. I keep trying, and I answer when the switch is stopped. See docs/runbook.md, “Stop and run”.
switch-under-way = { $count ->
    [one] One post was already on its way; its result is still recorded.
   *[other] { $count } posts were already on their way; their results are still recorded.
}
switch-panel = 🎛 All switches

staff-commands = 🧭 Commands of the staff
staff-unknown-command = I do not know this command. Nothing was done. All commands: /help

ledger-clean = ✅ The ledger is clean: every invariant holds.
ledger-broken = 🚨 The ledger's invariants are broken. Holds, payouts, refunds, withdrawals and adjustments are stopped.
rule-line = • { $name }{ $what ->
    [nothing] {""}
    [wallet] : wallet { $refs }
    [entry] : entry { $refs }
    [transfer] : transfer { $refs }
    [placement] : placement { $refs }
    [campaign] : campaign { $refs }
    [deposit] : deposit { $refs }
    [withdrawal] : withdrawal { $refs }
    [correction] : correction { $refs }
    [excess_payment] : payment in excess { $refs }
    [link] : link { $refs } of the audit chain
    [file] : file { $refs }
   *[other] : { $refs }
}{ $command ->
    [none] {""}
   *[other] {" "}→ { $command }
}

incidents = 🚨 Open incidents. Close an incident when it is repaired. After that, another operator (not you) runs the switches again: /killswitch, from the top down.
incidents-none = ✅ No incident is open.
incident-line = #{ $id }: { $kind ->
    [ledger_violation] the ledger's invariants are broken
    [audit_chain_broken] the audit chain of the ledger has a fault
    [telegram_down] Telegram is down
    [rollback_criterion] a criterion of a rollback is met
    [backup_restored] a backup was restored
    [guard_missing] the database lacks a guard of money
    [schema_differs] the database differs from the release
   *[other] { $kind }
}, since { $at }{ $what ->
    [none] {""}
   *[other] {": "}{ $what }
}
incidents-more = { $count ->
    [one] One more is listed when one of these is closed.
   *[other] { $count } more are listed when some of these are closed.
}
incident-close = ✅ Repaired, close #{ $id }
chain-file-allowed = 🔏 The scheduler may begin one new file of the audit chain within an hour. It fills the file from the database as it is now, so first compare the database with the digest in this chat: adtech verify-ledger --digest
chain-file-waits = 🔏 A new file of the audit chain is allowed already. The scheduler begins it when it finds no file, or a file that it does not know, at AUDIT_CHAIN_FILE.
chain-file-usage = 🔏 The scheduler writes the ledger's audit chain into a file. If the file was lost, compare the database with the digest of the newest message about the chain in this chat, move what is left of the file to another place, and allow a new file: /chainfile new
incident-close-question = Close incident { $id }? It never opens again. After that, another person can run the switches that it stopped.
incident-closed = ✅ Incident { $id } is closed. Now another person than you runs the switches that it stopped, one at a time: /killswitch, from the top down.
incident-close-sure = ✅ Yes, close it
admin-chat-moved = { $to ->
    [person] 🚚 The admin chat seems to have become a supergroup. Open that group and press the button of the bot's message there, so that the staff can act again. Alarms still arrive. If the group has not changed, somebody else has written this into the database: tell your administrators.
   *[staff] 🚚 The admin chat has become a supergroup with a new id. Alarms arrive here, and kill switches can be stopped here. Other commands and buttons of the staff work here after one super admin has pressed the button below.
}
admin-chat-confirm = ✅ This is the admin chat
admin-chat-unconfirmed = A super admin first has to confirm that this group is the admin chat: see the button below. Nothing was changed.
admin-chat-confirmed = ✅ This group is the admin chat now. Commands and buttons of the staff work here.
