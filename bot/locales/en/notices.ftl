notice-target-approved = ✅ Placement #{ $id } is approved. { $price } is held until the post has stayed as promised.
    Channel: { $channel }. Published: { $when }.
notice-target-rejected = ❌ Placement #{ $id } in { $channel } was rejected.
    Reason: { $reason }.
    No money was taken.
notice-target-expired = ⌛️ Nobody decided on placement #{ $id } in { $channel } in time. No money was taken; you can buy it again.
notice-target-paid = { $to ->
    [owner] 💰 You have been paid { $amount } for placement #{ $id } in { $channel }.
   *[advertiser] ✅ Placement #{ $id } in { $channel } is done: the post has stayed as promised, and the owner has been paid.
}
notice-target-refunded = ↩️ { $amount } is back in your wallet: placement #{ $id } in { $channel } did not work out.
notice-funds-missing = 💰 Placement #{ $id } in { $channel } can't be approved: { $missing } is missing in your wallet. Top up, and an admin can approve it.
notice-ad-scheduled = 📬 An ad is coming to { $channel }: { $when }. Price: { $price }, less the platform's fee. It stays for { $hours ->
    [0] no promised time
    [one] { $hours } hour
   *[other] { $hours } hours
}.
notice-post-published = { $to ->
    [owner] 🟢 An ad was published in { $channel } (placement #{ $id }). Leave it as it is for the promised time: you are paid then.
   *[advertiser] 🟢 Your ad is published in { $channel } (placement #{ $id }).
}
notice-post-refused = ⚠️ Placement #{ $id } could not be published in { $channel }. The money comes back to your wallet.
notice-post-gone = { $to ->
    [owner] ⚠️ The ad of placement #{ $id } is gone from { $channel } before its time. You are not paid for it; the advertiser gets the money back.
   *[advertiser] ⚠️ Your ad was removed from { $channel } before its time (placement #{ $id }). The money comes back to your wallet.
}
notice-channel-suspended = ⚠️ “{ $title }” is not offered any more. { $why }
notice-deposit-credited = 💰 { $amount } has arrived in your wallet.
notice-switch-changed = { $state ->
    [running] 🟢 { $key } is running
   *[stopped] 🔴 { $key } is STOPPED
} ({ $reason }). By: { $by }
notice-ledger-violation = 🚨 The ledger's invariants are broken (incident { $id }). Holds, payouts, refunds and withdrawals are stopped.
notice-ledger-line = • { $name }: rows { $rows }
notice-ledger-sealed = 🔏 Seal { $number } of the ledger. Keep this message: who rewrites the ledger cannot rewrite it.
    { $digest }
notice-watchdog-acted = ⏰ { $count ->
    [one] One placement was held too long without a post and is refunded
   *[other] { $count } placements were held too long without a post and are refunded
}: { $targets }
notice-watchdog-waits = ⏰ { $count ->
    [one] One placement is held too long without a post
   *[other] { $count } placements are held too long without a post
}: { $targets }. The watchdog or refunds are stopped, so nothing was done.
notice-withdrawal = { $status ->
    [requested] 🏦 { $person } asks for { $amount } (withdrawal #{ $id }).
    [approved] ✅ Withdrawal #{ $id } is approved: { $amount } is on its way to you.
    [paid] 💸 Withdrawal #{ $id } is paid: { $amount }.
   *[returned] ↩️ Withdrawal #{ $id } was returned: { $amount } is back in your wallet. { $reason }
}
withdrawal-return-reason = { $reason ->
    [cancelled] You took it back.
    [clawed_back] A payment of yours was reversed.
    [details] We don't know where to send it, and could not reach you.
    [suspicion] Something about it has to be cleared up first. Please write to the support.
    [rules] It is against the rules.
    [other] {""}
   *[text] Reason: { $reason }
}
notice-person-blocked = ⛔ You are blocked. What is published runs its course and is paid for, ads of yours that are not out yet are cancelled and refunded, and your channels take no placements. Your money stays yours; withdrawals wait until this is settled with the support.
notice-person-unblocked = ✅ You are no longer blocked. Your channels that were closed for this are open again.
notice-payment-parked = 🚨 Somebody has paid, and the payment could not be handled ({ $error }). It is kept: once the cause is repaired, run adtech retry-payment { $id }. It is never credited twice.
notice-deposit-clawed-back = 🚨 A payment of { $amount } by { $person } was reversed outside. Taken back: { $recovered }. The platform's loss: { $loss }. The person is blocked.
correction-kind = { $kind ->
    [adjustment] an adjustment
    [missing_payout] a missing payout
    [balance_reset] the reset of a balance
    [orphan_entry] an orphan entry
   *[escrow_reversal] an escrow that is held again
}
notice-correction = { $status ->
    [proposed] 🛠 Correction #{ $id } is proposed: { $kind }. Another admin has to confirm it.
    [confirmed] 🛠 Correction #{ $id } is confirmed: { $kind }. It is done with adtech repair.
    [done] ✅ Correction #{ $id } is done: { $kind }.
   *[dropped] ✖️ Correction #{ $id } was dropped: { $kind }.
}
