requests = 👥 Requests of the staff that wait, the oldest first:
requests-none = ✅ No request waits. Requests come from a shell (adtech) or from /grant and /revoke.
requests-row = #{ $id } · { $kind } · { $status ->
    [unacknowledged] waits for its requester
   *[proposed] waits for a second person
}
request-kind = { $kind ->
    [run_switch] run a switch
    [block] block a person
    [unblock] unblock a person
    [block_staff] block a person with a role
    [unblock_staff] unblock a person with a role
    [retry_payment] retry a payment
    [correction] propose a correction
    [repair] apply a correction
    [grant_role] grant a role
    [revoke_role] revoke a role
    [record_payment] record a payment
    [mark_tester] mark a tester
    [unmark_tester] unmark a tester
    [clean_up_tester] clean up after a tester
    [launch] check the launch
   *[clawback] take a deposit back
}
request-card = 👥 Request #{ $id }: { $what }
request-what = { $kind ->
    [run_switch] run the switch { $key } again
    [block] block { $person }
    [unblock] unblock { $person }
    [block_staff] block { $person }, who has a staff role. No role of this person counts any more
    [unblock_staff] unblock { $person }, who has a staff role. The roles of this person count again
    [retry_payment] handle the parked update { $update } again
    [correction] propose a correction: { $correction } ({ $details })
    [repair] sign correction #{ $correction }. Then the ledger is changed by: adtech repair { $correction } --as YOUR_ID
    [grant_role] grant { $person } the role: { $role }
    [revoke_role] take the role from { $person }: { $role }
    [record_payment] record that withdrawal #{ $withdrawal } of { $person } was paid outside ({ $reference }), although it was not approved or has ended already. What its wallet lacks is a loss.
    [mark_tester] mark { $person } as a tester: no report counts this person's campaigns, placements and deposits any more
    [unmark_tester] count the acts of { $person } in the reports again
    [clean_up_tester] clean up after the tester { $person }: cancel the campaigns, delete the drafts, and request a withdrawal of the money in the wallet
    [launch] check phase { $phase } of the launch. Then, within 72 hours, the checks run by: adtech launch next --as YOUR_ID (or launch check)
   *[clawback] take the deposit { $charge } back, because its payer reversed the payment. The payer is blocked.
}
request-fact = { $name ->
    [wallet_id] wallet { $value }
    [from_wallet] from wallet { $value }
    [to_wallet] to wallet { $value }
    [amount] amount { $value }
    [entry_id] entry { $value }
   *[target_id] placement #{ $value }
}
request-by = Asked for in the name of { $by }, { $when }.
    Reason: { $reason }
request-reason = { $reason ->
    [requested] nobody has approved the withdrawal
    [paid] the withdrawal is paid already, with another reference
    [returned] the money of the withdrawal was returned
    [repaired] the cause is repaired
   *[other] { $reason }
}
request-state = { $status ->
    [unacknowledged] ⏳ It was typed in a shell. { $requester }: was that you? Nothing happens before you say so.
    [proposed] ⏳ Waits for a second person, who must not be { $requester }.
    [done] ✅ Done by { $by }.
   *[dropped] { $by ->
        [system] ✖️ Ended: nobody decided within 72 hours, or { $requester } has lost the role. Nothing was changed.
       *[other] ✖️ Refused by { $by }. Nothing was changed.
    }
}
request-new-state = 👥 Request #{ $id }: { $state } The new card comes as a message of its own.
request-mine = ✅ That was me
request-yes = ✅ Confirm
request-not-mine = ✖️ That was not me
request-no = ✖️ Refuse
request-question = { $act ->
    [confirm] Confirm request #{ $id }? Then this happens at once: { $what }
   *[drop] Refuse request #{ $id }? Then it ends, and this does not happen: { $what }
}
request-sure = { $act ->
    [confirm] ✅ Yes, confirm it
   *[drop] ✖️ Yes, refuse it
}
request-moved-on = This has been decided already. Nothing was changed.
staff-list = 👥 The staff:
staff-line = • { $person }: { $roles }{ $blocked ->
    [yes] {" "}(blocked: no role counts)
   *[no] {""}
}
role-usage = To change a role:
    /grant PERSON ROLE REASON
    /revoke PERSON ROLE REASON

    PERSON is a Telegram id of somebody who has used the bot. Roles: { $roles }. A second super admin confirms it.
notice-role-reconciled = { $change ->
    [granted] 👥 { $person } is now a super admin, because SUPER_ADMIN_IDS lists this person.
    [revoked] 👥 { $person } is no super admin any more, because SUPER_ADMIN_IDS does not list this person any more.
    [kept_granted] 👥 SUPER_ADMIN_IDS does not list { $person } any more, but two people have granted the role, so it stays. To take it away: /revoke
   *[kept_revoked] 👥 SUPER_ADMIN_IDS lists { $person }, but two people have revoked the role, so it stays revoked. Remove the id from SUPER_ADMIN_IDS, or grant the role: /grant
}
notice-staff-blocked = { $blocked ->
    [yes] 🚨 { $person }, who has a staff role, is blocked. No role of this person counts any more.
   *[no] 🚨 { $person }, who has a staff role, is no longer blocked. The roles of this person count again.
}
command-requests = Requests of the staff that wait
command-staff = Who has a role
command-grant = Ask for a role of a person
command-revoke = Ask to take a role away
notice-excess-payment = { $to ->
    [staff] 🚨 Withdrawal #{ $id } of { $person } ({ $amount }) was paid outside, but it held no money any more. Taken from the wallet: { $recovered }. The platform's loss: { $loss }.
   *[person] ↩️ Your withdrawal #{ $id } ({ $amount }) was paid although its money was not held any more. Taken from your wallet: { $recovered }. Still open: { $loss }.
}
