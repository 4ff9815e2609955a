corrections = 🛠 Repairs of the books that wait, the oldest first:
corrections-none = ✅ No repair waits. One is proposed from a shell: adtech propose
corrections-row = #{ $id } · { $kind } · { $status ->
    [proposed] waits for a second admin
   *[confirmed] waits for adtech repair
}
correction-card = 🛠 Correction #{ $id }: { $kind }
correction-change = { $kind ->
    [adjustment] { $amount } goes from wallet { $wallet } to wallet { $other }.
    [balance_reset] The balance of wallet { $wallet } is set to its last entry: { $before } now, { $after } then.
    [orphan_entry] Entry { $entry } ({ $amount }) of wallet { $wallet } is completed to a transfer and taken back by another one. No balance changes.
    [missing_payout] Placement #{ $target } ({ $amount }; escrow { $escrow }, post { $job }): { $payout } goes to the owner, { $fee } to the platform.
   *[escrow_reversal] Placement #{ $target } ({ $amount }; escrow { $escrow }, post { $job }) is held again, and is then paid out or refunded as any other.
}
correction-proposed = Proposed by { $by } ({ $roles }), { $when }.
    Reason: { $reason }
staff-role = { $role ->
    [admin] admin
    [operator] operator
    [super_admin] super admin
   *[none] no staff role any more
}
correction-wallet = 🔍 Wallet { $id } ({ $kind }{ $person ->
    [none] {""}
   *[other] {""} of { $person }
}): balance { $balance }, its entries sum to { $sum }.
correction-finding = • { $finding }{ $count ->
    [0] {""}
    [one] : entry { $entries }
   *[other] : entries { $entries }
}
correction-sound = Everything agrees.
correction-state = { $status ->
    [proposed] ⏳ Waits for another admin than the one who proposed it.
    [confirmed] ✅ Confirmed by { $by }: { $reason }. Not done yet.
    [done] ✅ Done. Confirmed by { $by }: { $reason }.
   *[dropped] ✖️ Dropped. Nothing was changed.
}
correction-repair = Now run, in a shell with MIGRATION_DATABASE_URL: adtech repair { $id }
correction-then-repair = The confirmation alone changes nothing yet; after it: adtech repair { $id }
correction-then-check = Now check: /ledger, then /incidents
correction-confirm = ✅ Confirm
correction-refuse = ✖️ Refuse
correction-open = 🔎 Open the correction
correction-confirm-why = Why is this right? Your press confirms it. In your own words:
    /confirm { $id } REASON
correction-refuse-why = Why not? Your press drops it. In your own words:
    /refuse { $id } REASON
correction-reason = { $reason ->
    [entries] I went through the entries
    [outside] I saw the proof outside
    [channel] I looked at the post in its channel
    [wrong] Not what is wrong
    [cause] The cause is not known yet
    [again] No longer needed
   *[other] { $reason }
}
correction-why = Reason: { $reason }
correction-usage = Usage:
    /confirm CORRECTION REASON
    /refuse CORRECTION REASON

    For example: /confirm 12 the bank's statement says so. What waits: /corrections
correction-moved-on = This has been decided already. The card shows how it stands now. Nothing was changed.
command-corrections = Repairs of the books that wait
command-confirm = Confirm a repair of the books
command-refuse = Refuse a repair of the books
