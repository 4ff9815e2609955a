corrections = 🛠 Corrections that wait, the oldest first:
corrections-none = ✅ No correction waits. A correction is proposed in a shell: adtech propose
corrections-row = #{ $id } · { $kind } · { $status ->
    [proposed] waits for a second admin
   *[confirmed] waits for adtech repair
}
correction-card = 🛠 Correction #{ $id }: { $kind }
correction-change = { $kind ->
    [adjustment] { $amount } goes from wallet { $wallet } to wallet { $other }.
    [balance_reset] The balance of wallet { $wallet } is set to the balance of its last entry: { $before } now, { $after } afterwards.
    [orphan_entry] Entry { $entry } ({ $amount }) of wallet { $wallet } is completed to a transfer, and a second transfer reverses it. No balance changes.
    [missing_payout] Placement #{ $target } ({ $amount }; escrow { $escrow }, post { $job }): { $payout } goes to the owner, { $fee } to the platform.
   *[escrow_reversal] Placement #{ $target } ({ $amount }; escrow { $escrow }, post { $job }) is held again, and is then paid out or refunded like any other.
}
correction-proposed = Proposed by { $by } ({ $roles }), { $when }.
    Reason: { $reason }
staff-role = { $role ->
    [admin] admin
    [operator] operator
    [super_admin] super admin
   *[none] no staff role any more
}
correction-wallet = 🔍 Wallet { $id } ({ $kind ->
    [user] spendable money
    [escrow] escrow
    [withdrawal] withdrawal
    [revenue] fees
    [external] world outside
    [loss] loss
   *[other] { $kind }
}{ $person ->
    [none] {""}
   *[other] {""} of { $person }
}): balance { $balance }, its entries sum to { $sum }.
correction-finding = • { $finding ->
    [missing_version] an entry is missing before this one
    [wrong_running_balance] a wrong balance after the entry
    [unbalanced_transfer] a transfer that does not sum to zero
    [orphan_entry] an orphan entry that the balance does not include
    [not_in_balance] a correct entry that the balance does not include
    [corrected_orphan] an orphan entry that a correction has balanced
    [drifted_balance] the balance differs from that of the last entry
   *[other] { $finding }
}{ $count ->
    [0] {""}
    [one] : entry { $entries }
   *[other] : entries { $entries }
}
correction-sound = Everything agrees.
correction-state = { $status ->
    [proposed] ⏳ Waits for another admin than the one who proposed it.
    [confirmed] ✅ Confirmed by { $by }: { $reason }. Not done yet.
    [done] ✅ Done. Confirmed by { $by }: { $reason }.{ $applier ->
            [none] {""}
           *[other] {" "}Applied by { $applier }.
        }
   *[dropped] ✖️ Refused. Nothing was changed.
}
correction-repair = Now run, in a shell with MIGRATION_DATABASE_URL: adtech repair { $id } --as YOUR_ID
    If nobody does so within 72 hours, the correction ends.
correction-then-repair = The confirmation alone changes nothing. After it, run: adtech repair { $id } --as YOUR_ID
correction-then-check = Now check: /ledger, then /incidents
correction-confirm = ✅ Confirm
correction-refuse = ✖️ Refuse
correction-open = 🔎 Open the correction
correction-confirm-why = Why is this right? Pressing a reason confirms the correction. To write your own reason:
    /confirm { $id } REASON
correction-refuse-why = Why not? Pressing a reason refuses the correction. To write your own reason:
    /refuse { $id } REASON
correction-reason = { $reason ->
    [entries] I checked the entries
    [outside] I saw proof outside of the platform
    [channel] I looked at the post in its channel
    [wrong] The error is a different one
    [cause] The cause is not known yet
    [again] No longer needed
    [ended] Nobody confirmed it within 72 hours, or its proposer has lost the role
    [not_repaired] Nobody ran adtech repair within 72 hours after the confirmation, or one of the two admins has lost the role. If it is still needed, propose it again
   *[other] { $reason }
}
correction-why = Reason: { $reason }
correction-usage = Usage:
    /confirm CORRECTION REASON
    /refuse CORRECTION REASON

    For example: /confirm 12 the bank's statement says so. What waits: /corrections
correction-moved-on = This has been decided already. The card shows its present state. Nothing was changed.
command-corrections = Corrections that wait
command-confirm = Confirm a correction
command-refuse = Refuse a correction
