notice-target-approved = ✅ Placement #{ $id } is approved. { $price } is held until the post has stayed as promised.
    Channel: { $channel }. To be published: { $when }.
notice-target-rejected = ❌ Placement #{ $id } in { $channel } was rejected.
    Reason: { $reason }.
    No money was taken.
notice-target-expired = { $loss ->
    [none] ⌛️ { $unanswered ->
        [yes] The owner of { $channel } did not answer in time, so placement #{ $id } has ended.
        [changed] Placement #{ $id } in { $channel } was not changed in time, so it has ended.
       *[no] Nobody decided on placement #{ $id } in { $channel } in time.
    } No money was taken; you can buy it again.
   *[amount] ⌛️ Placement #{ $id } in { $channel } has ended. It could not be approved in time, because you owe { $loss }. No money was taken. After the debt is repaid, you can buy it again: /paysupport
}
notice-target-paid = { $to ->
    [owner] 💰 You have been paid { $amount } for placement #{ $id } in { $channel }. { $ending ->
        [removed] I take the post down now.
        [endless] Please leave the post in the channel: that is what was bought.
       *[left] You may delete the post now.
    }
   *[advertiser] ✅ Placement #{ $id } in { $channel } is done: { $record ->
        [stayed] the post has stayed as promised, and the owner has been paid.
        [decided] the promised time is over. The bot couldn't prove that the post stayed, and an admin has decided that the owner is paid.
        [unclear] the promised time is over, and the owner has been paid. Not every check of the post got an answer.
        [unchecked] at the end of the promised time the ad was there unchanged, and the owner has been paid. But for { $unchecked_hours } h { $unchecked_minutes } min nobody checked it. If you saw something else, write to the support: /paysupport
       *[altered] { $alterations ->
            [one] the promised time is over, and the owner has been paid. The ad was changed once in this time, and the bot restored it.
           *[other] the promised time is over, and the owner has been paid. The ad was changed { $alterations } times in this time, and the bot restored it each time.
        }
    }{ $back ->
        [none] {""}
       *[other] {""}

            ↩️ The price was split after the complaint: { $back } is back in your wallet.
    }
}
notice-target-refunded = ↩️ { $amount } is back in your wallet: placement #{ $id } in { $channel } was not completed.
notice-funds-missing = 💰 Placement #{ $id } in { $channel } can't be approved: { $missing } is missing in your wallet. Top up, and an admin can approve it.
notice-loss-open = ⛔ Placement #{ $id } in { $channel } waits, and so do your other placements: you owe { $loss }. A payment was taken back after its money was spent, or a withdrawal was paid twice.
    { $lacks ->
        [yes] What to do: top up { $missing }, which covers the debt and this placement, and write to the support: /paysupport
       *[no] What to do: your wallet covers the debt and this placement. Write to the support: /paysupport
    }
    The support takes the debt from your wallet. After that, an admin can approve the placement.
notice-placement-accepted = 🤝 The owner of { $channel } has accepted placement #{ $id }. Now an admin checks the ad. No money was taken yet.
notice-placement-declined = ❌ The owner of { $channel } has declined placement #{ $id }.
    Reason: { $reason }.
    No money was taken. You can choose another channel.
notice-owner-unreachable = 📵 The owner of { $channel } cannot be reached: my question about placement #{ $id } does not arrive, probably because I am blocked. There is nothing to decide. Without an answer until { $answer_due }, the placement ends, and no money is taken.
notice-ad-offer-ended = { $state ->
    [unanswered] ⌛️ You did not answer in time, so the ad of placement #{ $id } is not published in { $channel }. To accept ads without a question: 📺 My channels → 🤝 Answers to ads.
    [unchanged] ⌛️ The advertiser did not change the ad of placement #{ $id } in time, so it is not published in { $channel }. There is nothing to do.
    [withdrawn] ↩️ The advertiser has taken placement #{ $id } in { $channel } back. There is nothing to do.
    [rejected] ❌ An admin has rejected the ad of placement #{ $id } in { $channel }. It is not published. There is nothing to do.
   *[expired] ⌛️ No admin approved the ad of placement #{ $id } in { $channel } in time. It is not published. There is nothing to do.
}
notice-post-above = { $to ->
    [owner] ⬆️ In { $channel }, a newer post came above the ad of placement #{ $id } at { $until }, within its promised hours on top. The advertiser reads this too. Please let ads stay on top as long as you promise: 🗓 the calendar keeps your other ads apart.
   *[advertiser] ⬆️ In { $channel }, a newer post came above your ad of placement #{ $id } at { $until }, within its promised hours on top. The ad itself is still checked. If you want to complain, open the placement and press “{ complaint-new }”.
}
notice-ad-scheduled = 📬 An ad will be published in { $channel }: { $when }. Price: { $price }, of which you get { $share }. Stays: { $stays }.
notice-post-published = { $to ->
    [owner] 🟢 An ad was published in { $channel } (placement #{ $id }). { $hours ->
        [0] You are paid for it now.
       *[other] { $top ->
            [0] {""}
            [one] Publish nothing newer there within { $top } hour.{" "}
           *[other] Publish nothing newer there within { $top } hours.{" "}
        }Do not change it during the promised time. You are paid after that.
    }
   *[advertiser] 🟢 Your ad is published in { $channel } (placement #{ $id }).
}
notice-post-refused = ⚠️ Placement #{ $id } could not be published in { $channel }. The money comes back to your wallet.
notice-refund-decided = ⚖️ An admin has looked at placement #{ $id } in { $channel } and decided that the advertiser gets the money back. You are not paid for it. If you think that this is wrong, write to the support: /paysupport
notice-post-gone = { $to ->
    [owner] ⚠️ The ad of placement #{ $id } disappeared from { $channel } before its promised time was over. You are not paid for it; the advertiser gets the money back.
   *[advertiser] ⚠️ Your ad was removed from { $channel } before its promised time was over (placement #{ $id }). The money comes back to your wallet.
}
notice-post-altered = { $to ->
    [owner] ⚠️ The ad of placement #{ $id } in { $channel } was changed: { $parts }. The bot has restored it. Do not change it during the promised time. If it is changed again, you may not be paid.
   *[advertiser] ⚠️ Your ad in { $channel } was changed (placement #{ $id }): { $parts }. The bot has restored it and checks it again soon. If it is changed again, the admins decide about your money.
}
notice-posts-altered = ⚠️ Live posts were changed for the first time, and the bot has restored them. There is nothing to decide: a second change comes as a card.
notice-posts-altered-line = #{ $id } · { $channel }: { $parts } · { $link }
notice-posts-altered-more = and { $count } more
notice-post-breach = { $to ->
    [owner] 🚨 { $breach ->
        [locked_out] I can't check the ad of placement #{ $id } in { $channel }, because I have no right to post there.
       *[altered] The ad of placement #{ $id } in { $channel } was changed a second time, or between two checks that lie far apart, or so that I can't restore it.
    } You are not paid for now, and the admins decide. If they don't decide until { $until }, the advertiser gets the money back.
   *[advertiser] 🚨 { $breach ->
        [locked_out] The owner of { $channel } has taken my rights away, so I can't check your ad (placement #{ $id }).
       *[altered] Your ad in { $channel } was changed a second time, or between two checks that lie far apart, or so that I can't restore it (placement #{ $id }).
    } The owner is not paid for now, and the admins decide. If they don't decide until { $until }, you get the money back.
}
notice-post-breach-refunded = ↩️ The advertiser of placement #{ $id } in { $channel } gets the money back, because the ad did not stay as it was bought. You are not paid for it.
notice-breach-dismissed = { $to ->
    [owner] ⚖️ An admin has looked at placement #{ $id } in { $channel }: what happened does not count against you. Leave the ad and my rights as they are. The checks go on, and you are paid if the ad is there at the end of the promised time.
   *[advertiser] ⚖️ An admin has looked at placement #{ $id } in { $channel } and decided that what happened is no reason to give the money back. The checks of your ad go on until the promised time is over. If you think that this is wrong, write to the support: /paysupport
}
notice-channel-suspended = ⚠️ “{ $title }” is not offered any more. { $why }
notice-placement-channel-suspended = ⚠️ { $channel } is suspended (placement #{ $id }). { $why } If your ad can't be published or checked in time, you get the money back, or the admins decide.
placement-channel-why = { $reason ->
    [channel_gone] Telegram says that the channel does not exist or is private.
    [owner_gone] Its owner's Telegram account does not exist any more.
    [not_creator] It has a new creator.
   *[other] I have no right to post there now.
}
notice-channel-taken-over = 🔁 “{ $title }” has a new creator, who has connected it. New placements belong to the new owner. Ads that were published before are checked and paid for as agreed; ads that were not published yet are refunded.
notice-deposit-credited = 💰 { $amount } has arrived in your wallet.
notice-paid-twice = This invoice was already paid before. Both payments are in your wallet, and nothing is lost.
notice-this-payment = 🧾 This payment
notice-ledger-violation = 🚨 The ledger's invariants are broken (incident { $id }). Holds, payouts, refunds, withdrawals and adjustments are stopped.
notice-backup-restored = 🚨 A backup of the database was restored (incident { $id }). Every kill switch is stopped. { $searched } posts may have been published since the backup: the bot searches them in their channels before it sends them. { $parked } presses and commands from before the backup are not carried out: press again if something is missing.
notice-backup-withdrawals = 💸 These withdrawals were open in the backup. They may have been paid since: ask the bank before you pay one. { $ids }{ $more ->
    [0] {""}
   *[other] {" "}and { $more } more
}
notice-backup-next = Now: run adtech check --full, close incident { $id } (/incidents), and run the switches again, one at a time: /killswitch, from the top down.
notice-guard-missing = 🚨 The database lacks a guard of money, or has it changed (incident { $id }). Holds, payouts, refunds, withdrawals and adjustments are stopped. Put it back with the owner's role, then close the incident:
notice-schema-differs = 🚨 The database differs from the release (incident { $id }). Money still moves. Find out who changed it, put it back with the owner's role, then close the incident:
notice-guard-line = • { $kind ->
    [missing] missing
    [changed] changed
   *[added] added
}: { $guard }
    → { $repair }
notice-audit-chain-broken = 🚨 The audit chain of the ledger has a fault (incident { $id }): it can't be trusted to cover what is new. Money still moves. Find out who holds it up, then close the incident:
notice-audit-chain-fault = • { $name ->
    [audit_chain_ahead] the last link claims to cover transactions that have not ended
    [audit_chain_late] old entries of the ledger have no link
    [audit_chain_file_shrunk] the file vanished, was emptied or became shorter ({ $file }). It is not filled again by itself: see docs/runbook.md
    [audit_chain_file_unknown] the file is none of those to which links were written ({ $file })
    [audit_chain_file_unusable] the file cannot be read or written ({ $file })
    [audit_chain_file_unset] AUDIT_CHAIN_FILE is empty, so no file is written any more. If you want that, closing the incident says so
    [audit_chain_file_locked] somebody holds the lock of the file ({ $file })
   *[other] { $name }
}
notice-audit-chain-file-added = 🔏 The scheduler begins a new file of the ledger's audit chain within an hour, and fills it from the database ({ $name }). { $by ->
    [system] It is the first file, or the previous version of the program has begun it. If there was a file before, find out where it is.
   *[person] Person { $by } has allowed it. If that is not so, tell your administrators.
}
notice-audit-chain-extended = 🔏 Link { $number } of the ledger's audit chain. Keep this message: somebody who changes the ledger in the database can't change this message.
    To compare the ledger with it: adtech verify-ledger --digest { $digest }
notice-watchdog-acted = ⏰ { $count ->
    [one] One placement was held too long without a post and is refunded
   *[other] { $count } placements were held too long without a post and are refunded
}: { $targets }
notice-watchdog-waits = ⏰ Money is held longer than ESCROW_SLA for posts that are not out: { $count ->
    [one] placement { $targets }
   *[other] { $count } placements: { $targets }
}. The switch refunds or worker_watchdogs is stopped, so nothing was refunded.
notice-withdrawal = { $status ->
    [requested] 🏦 { $person } asks for { $amount } (withdrawal #{ $id }).
    [approved] ✅ Withdrawal #{ $id } is approved: { $amount } is on its way to you.
    [paid] 💸 Withdrawal #{ $id } is paid: { $amount }. Reference: { $reference }
   *[returned] ↩️ Withdrawal #{ $id } was returned: { $amount } is back in your wallet. { $reason }
}
withdrawal-return-reason = { $reason ->
    [cancelled] You took it back.
    [clawed_back] A payment of yours was reversed.
    [details] We don't know where to send it, and could not reach you.
    [suspicion] We have to clarify something about it first. Please write to the support: /paysupport
    [rules] It is against the rules.
    [other] {""}
   *[text] Reason: { $reason }
}
notice-person-blocked = ⛔ You are blocked. Published posts stay for their promised time and are paid for. Your ads that are not published yet are cancelled and refunded. Your channels take no placements. Your money stays yours, but withdrawals wait until the question is settled with the support: /paysupport
notice-person-unblocked = ✅ You are no longer blocked. Your channels that were suspended because of this are restored.
notice-invoice-lost = ⏳ Telegram was busy and may not have shown you the invoice. Nothing was charged. Ask for a new one:
notice-answer-lost = ⏳ Telegram was busy and did not show you the answer to your last message or button. Open the same screen again: it shows whether your action was done. If it was not, repeat it.
notice-answer-late = ⏳ Telegram did not show you this answer in time. You may have seen it already. To go on, open the screen again.
alarm-in-private = 🔒 The admin chat is a public group now, and strangers can read it. So this alarm comes to you alone. Remove the public link of the group: until then nobody can act as staff there, and its other messages wait.
notice-payment-parked = 🚨 A payment or a refund arrived and could not be handled ({ $error }). It is kept: once the cause is repaired, an operator runs adtech retry-payment { $id } --as ID. It is never credited twice.
notice-updates-parked = ⚠️ An update of Telegram could not be handled ({ $error }). It is kept for 30 days, with the last 1,000. adtech parked-updates lists all of them. If the list names a successful_payment, tell an engineer. There is at most one message about this in an hour.
notice-star-transaction-refused = 🚨 Telegram lists a transaction of { $amount } with { $person } that could not be recorded ({ $error }). Charge: { $charge }. Look at /deposits and adtech parked-payments, then correct the wallet or refund the person.
notice-deposit-clawed-back = 🚨 A payment of { $amount } by { $person } was reversed outside of the platform. Taken back: { $recovered }. The platform's loss: { $loss }. The person is blocked.
notice-do-not-pay = ⛔ Approved withdrawals of this person, do not pay them now: { $ids }. See /withdrawals
notice-deposit-taken-back = ↩️ Your payment of { $amount } was taken back outside of the platform, so it does not count here any more. Taken from your wallet: { $recovered }. Still missing: { $loss }. Questions: /paysupport
notice-wallet-corrected = { $way ->
    [in] ⚖️ Two admins have corrected an error in the books: { $amount } was added to your wallet.
   *[out] ⚖️ Two admins have corrected an error in the books: { $amount } was taken from your wallet. If you think that this is wrong, write to the support: /paysupport
}
correction-kind = { $kind ->
    [adjustment] an adjustment
    [missing_payout] a missing payout
    [balance_reset] the reset of a balance
    [orphan_entry] the completion of an orphan entry
   *[escrow_reversal] an escrow that is held again
}
notice-correction = { $status ->
    [proposed] 🛠 Correction #{ $id } is proposed: { $kind }. Another admin has to confirm it.
    [confirmed] 🛠 Correction #{ $id } is confirmed: { $kind }. Run adtech repair { $id } --as YOUR_ID to carry it out.
    [done] ✅ Correction #{ $id } is done: { $kind }.
   *[dropped] ✖️ Correction #{ $id } was refused: { $kind }.
}
notice-deposit-returned = ↩️ Your payment #{ $id } was given back: { $amount } are with you in Telegram again, and no longer in your wallet.
notice-deposit-return-refused = Your payment #{ $id } was not given back: { $why ->
    [blocked] you are blocked at the moment.
    [clawed_back] another payment of yours was taken back meanwhile.
   *[telegram] Telegram does not give it back.
} Its { $amount } are back in your wallet.{ $why ->
    [telegram] { " " }You can use them for ads, ask again from the page of the payment, or write to the support: /paysupport
   *[other] { " " }Please write to the support: /paysupport
}
notice-deposit-return-problem = ⚠️ Telegram refuses to refund payment #{ $id } of { $person }: { $error }. Its { $amount } are back in the wallet, and the payer was told.
    If it is about the bot's balance of Stars, the payer can ask again when the bot has enough.
