error-access-denied = You may not do this: it requires a staff role, and is possible only in the admin chat. Nothing was changed.
error-admin-chat-public = ⛔ This group is public now: anybody may enter it. So nobody can act as staff here. Remove its public link in the group settings, then repeat this. Nothing was changed.
error-not-campaign-owner = Not campaign owner: this campaign is somebody else's. Nothing was changed.
error-not-channel-owner = This channel is somebody else's. Nothing was changed.
error-not-withdrawal-owner = This withdrawal is somebody else's. Nothing was changed.
error-own-money = Nobody decides on their own money: another admin has to do this. Nothing was changed.
error-not-found = That does not exist (any more). Please open the menu again: /start
error-invalid-move = This can't be done now: it is { $status }. Nothing was changed.
error-switch-stopped = Stopped by the operators at the moment ({ $key }). Nothing was changed; please try again later.
error-insufficient-funds = Not enough money: { $needed } is needed, { $balance } is there. Nothing was changed.
error-budget-exceeded = The campaign's budget is not enough: the placement costs { $price }, { $left } is left. Nothing was changed.
error-campaign-not-active = The campaign is not active: it is { $status }. Activate it first. Nothing was changed.
error-channel-not-usable = This channel takes no placements now. Please choose another one.
error-channel-taken = Somebody else has connected this channel already.
error-person-blocked = This can't be done: one of the people involved is blocked. Nothing was changed.
error-publish-time-past = The time to publish is already over. Please choose a later one.
error-publish-time-too-far = That is too far ahead. The latest time is { $latest }. Please choose an earlier one.
error-invalid-amount = That amount can't be used. Please choose another one.
error-invalid-text = { $length ->
    [0] The text is empty. Please send at least one character.
   *[other] That text is empty or too long: at most { $limit } characters, yours has { $length }.
}
error-invalid-creative = { $field ->
    [url] { $why ->
        [email] That is an e-mail address. A button can lead only to a web page. Please send its address, for example https://example.com
        [user] That address has a name or a password before the site (“name@site”), which hides where it leads. Please send it without that part.
        [ip] That address is a number and not the name of a site. Please send an address with a name, for example https://example.com
        [hidden] That address has characters that people can't see. Please type it anew, without copying it.
       *[other] That is not an address I can link to. It starts with http:// or https://, for example https://example.com
    }
    [button] A link button needs both a text and an address.
   *[other] This ad can't be published as it is. Please send a text, a photo, a video or a GIF.
}
error-invalid-terms = These terms can't be used. Please check the numbers.
error-idempotency-conflict = This was already done with other details. Please start again from the menu: /start
error-invalid-transfer = The money could not be moved. Nothing was changed.
error-currency-mismatch = The wallet is in { $expected }, not in { $got }. Nothing was changed.
error-post-not-proven = It is not proven yet that the post stayed as promised. Nothing was changed.
error-post-not-failed = Only a post that failed or was cancelled is refunded. Nothing was changed.
error-escrow-not-held = { $status ->
    [released] The money was already paid to the owner. Nothing was changed.
    [refunded] The money was already given back. Nothing was changed.
   *[other] No money is held for this placement. Nothing was changed.
}
error-incident-open = Incident { $incident_id } is still open: close it first. Nothing was changed.
error-not-checked = Incident { $incident_id } stays open: the whole ledger has not been checked since the incident was opened and repaired. Run adtech check --full, then close the incident. Nothing was changed.
error-same-person = Another person has to do this, not the one who did the previous step. Nothing was changed.
error-not-acknowledged = This request waits for the person in whose name it was typed. Nobody else can confirm it before that. Nothing was changed.
error-second-person-needed = Withdrawal #{ $withdrawal_id } is not approved (it is { $status }). A second admin has to confirm this payment: /requests. Nothing was changed.
error-proposal-ended = This proposal counts no more: it is older than 72 hours, or the person who made it has lost the role. Make a new one. Nothing was changed.
error-not-correctable = The ledger is not in the state that this correction requires ({ $kind }). Check it again with adtech reconcile. Nothing was changed.
error-payment-mismatch = The payment differs from what was recorded or invoiced: { $expected } was expected, { $got } arrived ({ $key }). Nothing was changed.
error-not-compared = Withdrawal #{ $withdrawal_id } can't be approved yet: the payments in Stars before it are not all compared with Telegram's list. This takes some seconds, and a minute if a payment is missing there. Try again in a minute. Nothing was changed.
error-open-loss = A payment was taken back after its money was spent. { $needed } is still missing, so nothing can be withdrawn. Please write to the support: /paysupport
error-payment-claimed = { $telegram_id } is paying withdrawal #{ $withdrawal_id } now. Please do not pay it too. Nothing was changed.
error-admin-chat-not-moved = Telegram does not say that the admin chat moved to this group, or the move is confirmed already. Nothing was changed.
