error-access-denied = { $action ->
    [request_acknowledge] Only the person in whose name this was typed can say “That was me”. Nothing was changed.
   *[other] You may not do this. It requires a staff role that you do not have, or is possible only in the admin chat. Nothing was changed.
}
error-admin-chat-public = ⛔ This group is public now: anybody may enter it. So nobody can act as staff here. Remove its public link in the group settings, then repeat this. Nothing was changed.
error-not-campaign-owner = Not campaign owner: this campaign is somebody else's. Nothing was changed.
error-not-channel-owner = This channel is somebody else's. Nothing was changed.
error-not-withdrawal-owner = This withdrawal is somebody else's. Nothing was changed.
error-own-money = Nobody decides on their own money or role: another person has to do this. Nothing was changed.
error-not-found = { $thing ->
    [withdrawal] There is no withdrawal #{ $id }. The open ones: /withdrawals
    [target] There is no placement #{ $id } here.
    [correction] There is no correction #{ $id }. The open ones: /corrections
    [staff_request] There is no request #{ $id }. The open ones: /requests
    [incident] There is no incident { $id }. The open ones: /incidents
    [user] The bot does not know the person { $id }. They have to write /start to the bot first.
    [wallet] There is no wallet { $id }. Wallets are listed by: adtech report ledger
    [entry] There is no entry { $id }. A wallet's entries are listed by: adtech reconcile WALLET
    [deposit] There is no deposit with the charge { $id }. Charges are listed by: /deposits and adtech parked-payments
    [parked_payment] No parked payment or refund has the id { $id }. They are listed by: adtech parked-payments
    [payment] Telegram has not reported a payment with the charge { $id }.
    [update] There is no parked update { $id }. They are listed by: adtech parked-payments
    [report] There is no report “{ $id }”. The reports are listed by: adtech report
   *[other] That does not exist (any more). Please open the menu again: /start
}
error-not-agreed = The owner of the channel has not accepted placement #{ $target_id } yet, so it cannot be approved. Nothing was changed.
error-already-answered = You have answered already: { $answer ->
    [accepted] the ad is accepted
   *[declined] the ad is declined
}. Nothing was changed.
error-answer-too-late = The time to answer about placement #{ $target_id } is over, so the ad is not published. Nothing was changed.
error-cancel-too-late = Placement #{ $target_id } is published too soon to cancel it now. Nothing was changed.
error-version-changed = Placement #{ $target_id } was changed since: please look at what it is now. Nothing was changed.
error-no-rule = ✋ I ask you about each ad. First choose which ads I accept for you, then the topics.
error-topic-in-use = 🏷 The topic stays: a placement of this campaign waits for a decision. Change it after the decision, or withdraw the placement.
error-nothing-changed = This is the same as before. Nothing was changed.
error-too-many-changes = Placement #{ $target_id } was changed as often as is possible. Accept it as it is, or end it. Nothing was changed.
error-invalid-move = This can't be done now. The present state: { state }. Nothing was changed.
state = { $status ->
    [draft] draft
    [active] active
    [paused] paused
    [cancelled] cancelled
    [completed] completed
    [pending] waits for a decision
    [approved] approved
    [rejected] rejected
    [withdrawn] taken back
    [expired] nobody decided in time
    [posted] done, the owner has been paid
    [held] the money is held
    [released] the owner has been paid
    [refunded] the money is back with the advertiser
    [queued] waits to be published
    [sending] is being published
    [uncertain] it is not known whether the post was published
    [success] published
    [failed] failed
    [suspended] suspended
    [removed] removed
    [requested] waits for an admin
    [paid] paid
    [returned] the money was given back
    [proposed] waits for a second person
    [confirmed] confirmed
    [done] done
    [dropped] refused
    [received] waits to be credited
    [credited] credited
    [clawed_back] reversed
    [stuck] stuck, must not be
    [waiting] waits for its post or its refund
    [live] the post is live
    [asked] an admin has to decide
    [absent_once] a search did not find it, a second one follows
    [searching] the bot searches for it
   *[other] { $status }
}
error-switch-stopped = Stopped by the operators at the moment: { switch-lets }. Nothing was changed; please try again later.
error-insufficient-funds = Not enough money: { $needed } is needed, { $balance } is there. Nothing was changed.
error-budget-exceeded = The campaign's budget is not enough: the placement costs { $price }, { $left } is left. Nothing was changed.
error-budget-too-low = The budget of a campaign that was activated only becomes higher. It is { $least } now. Nothing was changed.
error-campaign-not-active = The campaign is not active. Its state: { state }. Open it under 📣 Campaigns. Nothing was changed.
error-channel-not-usable = This channel takes no placements now. Please choose another one.
error-channel-taken = Somebody else has connected this channel already.
error-reason-needed = No check of the bot has ever seen this post. As the second admin, say how you know that it stayed: /payowner { $target_id } REASON. Nothing was changed.
error-two-super-admins-needed = Two super admins together block or unblock a person with a staff role. Nothing was changed. Ask again: adtech block or adtech unblock
error-person-blocked = This can't be done, because you or another person whom it concerns is blocked. Nothing was changed. Questions: /paysupport
error-publish-time-past = The time to publish is already over. Please choose a later one.
error-publish-time-too-far = That is too far ahead. The latest time is { $latest }. Please choose an earlier one.
error-below-minimum = The smallest withdrawal is { $least } now. Nothing was changed.
error-invalid-amount = That amount can't be used. Please choose another one.
error-invalid-text = { $length ->
    [0] The text is empty. Please send at least one character.
   *[other] That text is too long: at most { $limit } characters, yours has { $length }.
}
error-invalid-creative = { $field ->
    [url] { $why ->
        [email] That is an e-mail address. A button can lead only to a web page. Please send its address, for example https://example.com
        [user] That address has a name or a password before the site (“name@site”), which hides where it leads. Please send it without that part.
        [ip] That address is a number and not the name of a site. Please send an address with a name, for example https://example.com
        [hidden] That address, or the line around it, has characters that people can't see. Please type it anew, without copying it.
       *[other] That is not an address I can link to. It starts with http:// or https://, for example https://example.com
    }
    [button] { $why ->
        [hidden] The text of the button has a line break or a hidden mark that changes the direction of the letters. Please type it anew, in one line.
       *[other] A link button needs both a text and an address.
    }
    [album] { $why ->
        [button] An album can't have a link button, because Telegram allows none.
        [number] An album has from 2 to 10 files.
        [mixed] Photos and videos can be in one album, and documents in another one, but not together.
       *[other] An album is changed as a whole. Please go back to the preview and send another album or another ad.
    }
   *[other] This ad can't be published as it is. Please send a text, a photo, a video, a GIF, a document or an album.
}
error-invalid-terms = These terms can't be used. Please check the numbers.
error-idempotency-conflict = This was already done with other details. Please start again from the menu: /start
error-invalid-transfer = The money could not be moved. Nothing was changed.
error-currency-mismatch = The wallet is in { $expected }, not in { $got }. Nothing was changed.
error-complaint-open = A complaint about placement #{ $target_id } is open, so its money does not move. Nothing was changed.
error-complaint-moved-on = Complaint { $complaint_id } has moved on in the meantime, or this step was already taken. Nothing was changed. Open it again to see where it stands.
error-complaint-refused = { $why ->
    [released] The money of placement #{ $target_id } was already paid, so it is too late for a complaint. Write to the support.
    [refunded] The money of placement #{ $target_id } was already given back.
    [breach] The bot has found a broken promise about the post of placement #{ $target_id } itself. An admin decides about that now, and you need not complain.
    [decided] The staff have already decided about placement #{ $target_id }.
    [too_many] There were two complaints about placement #{ $target_id }, and there can be no third one. Write to the support.
   *[other] The post of placement #{ $target_id } is not published now, so there is nothing to complain about.
} Nothing was changed.
error-republication-refused = { $why ->
    [once] The post was published again before. This is possible only once for a placement.
    [not_gone] The bot has not proven that the post is gone. It checks this within minutes and tells you. The channel must never have two posts of one placement.
    [unwanted] The advertiser's campaign is not running now, so the bot publishes nothing for it. Answer the complaint in words instead.
    [channel] The bot does not publish in this channel now. Connect the channel again or give the bot its rights back, then press again.
    [no_time] The calendar of the channel has no free time for the post in the time of this step. Free a time in the calendar, then press again.
   *[publishing] The bot is publishing the post again, and it is not known yet whether it is out. Decide when this is known.
} Nothing was changed.
error-split-too-small = The price is too small for this split: one side would get nothing. Choose another part. Nothing was changed.
error-post-not-proven = It is not proven yet that the post stayed as promised. Nothing was changed.
error-post-not-failed = Only a post that failed or was cancelled is refunded. Nothing was changed.
error-escrow-not-held = { $status ->
    [released] The money was already paid to the owner. Nothing was changed.
    [refunded] The money was already given back. Nothing was changed.
   *[other] No money is held for this placement. Nothing was changed.
}
error-incident-open = Incident { $incident_id } is still open: close it first. Nothing was changed.
error-invariant-broken = Incident { $incident_id } stays open, because an invariant is still broken: /ledger shows which. Repair it first. Nothing was changed.
error-not-checked = Incident { $incident_id } stays open: the whole ledger must be checked after its start and the last repair. Wait two minutes for the scheduled check, or run adtech check --full. Nothing was changed.
error-guards-differ = Incident { $incident_id } stays open: { $guard }. Put it back with the database owner's role: { $repair } Nothing was changed.
error-same-person = { $action ->
    [kill_switch_run] Not by you: whoever proposed, confirmed or applied a correction for the incident, or closed it, runs no switch that it stopped. Another operator does. Nothing was changed.
    [launch_sign] You have signed the launch already, in another role. Each role is signed by another person: let another operator or super admin do it. Nothing was changed.
    [correction_confirm] Whoever proposed a correction cannot confirm it. Another admin has to do this. Nothing was changed.
   *[other] Another person has to do this, not the one who did the previous step. Nothing was changed.
}
error-not-acknowledged = This request waits for the person in whose name it was typed. Nobody else can confirm it before that. Nothing was changed.
error-ambiguous-charge = The id { $reference } matches { $count } payments. Nothing was changed. Use Telegram's charge id of the right one (/deposits), or its update id (adtech parked-payments).
error-second-person-needed = Withdrawal #{ $withdrawal_id } is not approved (state: { state }). A second admin has to confirm this payment: /requests. Nothing was changed.
error-proposal-ended = This proposal counts no more: it is older than 72 hours (a repair: it was confirmed more than 72 hours ago), or a person who made or confirmed it has lost the role. Make a new one. Nothing was changed.
error-not-correctable = The ledger is not in the state that this correction requires ({ correction-kind }). Check it again with adtech reconcile. Nothing was changed.
error-payment-mismatch = The payment differs from what was recorded or invoiced: { $expected } was expected, { $got } arrived ({ $key }). Nothing was changed.
error-not-compared = Withdrawal #{ $withdrawal_id } can't be approved yet: the payments in Stars before it are not all compared with Telegram's list. This takes some seconds, and a minute if a payment is missing there. Try again in a minute. Nothing was changed.
error-open-loss = A payment was taken back after its money was spent, and { $needed } is still missing. Until it is repaid, nothing can be bought or withdrawn. Top up, then write to the support: /paysupport
error-advertiser-owes = Not approved: the advertiser owes { $needed } for money that was taken back. They have been told. After the debt is repaid, press Approve again. Nothing was changed.
error-payment-claimed = { $telegram_id } is paying withdrawal #{ $withdrawal_id } now. Please do not pay it too. Nothing was changed.
error-admin-chat-not-moved = Telegram does not say that the admin chat moved to this group, or the move is confirmed already. Nothing was changed.
error-launch-not-begun = The launch has not begun. Begin phase 0: /launch, or in a shell: adtech launch next --as ID
error-launch-phase-passed = Phase { $phase } has passed already, and no phase runs twice. What comes next: /launch, or in a shell: adtech launch status
error-launch-check-open = Phase { $phase } has a check that has not passed ({ $check }). Repair what it names, and press “Check again” in /launch, or run: adtech launch check --as ID
error-not-tester = This person is no tester. Mark the person first: adtech testers mark.
error-own-channel = This is your own channel.
error-format-not-sold = The channel does not sell this format. Please choose another format or channel.
error-invoice-paid = This invoice is already paid, and you have { $balance } in your wallet. No money was taken now. To pay more, make a new invoice: 💰 Wallet → ➕ Top up.
error-invoice-busy = This invoice is being paid at this moment, perhaps on another device. No money was taken by this press. Please look into 💰 Wallet in a minute.
error-not-returnable = Only credited payments in Telegram Stars can be given back. For any other payment, write to the support: /paysupport
error-already-returned = It was given back already, or it is on its way. 📄 Statement in 💰 Wallet shows it.
error-return-too-late = It was made more than { $limit } days ago. After that time its Stars may have left the bot. You can use the money for ads or withdraw it: 💰 Wallet.
error-deposit-spent = It is only given back whole ({ $needed }), and { $left } of what you have paid in is free. The rest is spent or held for placements. What is held comes back if you cancel a placement before its time.
error-correction-open = The staff are repairing an error in your wallet. Please try again later, or write to the support: /paysupport
