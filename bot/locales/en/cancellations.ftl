placement-cancel = 🗑 Cancel it, get the money back
placement-cancel-until = You can cancel it until { $until }, and get the whole price back.
placement-cancel-question = Cancel placement #{ $id } in { $channel }? It ends for good. { $price } comes back to your wallet at once, and the owner of the channel is told. Please choose why: your choice cancels it.
placement-cancel-sure = 🗑 Cancel: { $reason }
placement-cancel-not = It can't be cancelled any more. Nothing was changed.
cancel-reason = { $reason ->
    [plans] my plans have changed
    [mistake] a mistake in the ad or its time
    [other] another reason
   *[none] {""}
}
notice-placement-cancelled = { $to ->
    [owner] ↩️ The advertiser has cancelled placement #{ $id } in { $channel }. Reason: { $why_cancelled }. The ad is not published, and its time is free for other ads. Your record stays as it was.
   *[staff] ↩️ Placement #{ $id } in { $channel } was cancelled by its advertiser. Reason: { $why_cancelled }. { $price } went back to the advertiser. There is nothing to do.
}
notice-post-waits-for-hours = { $to ->
    [owner] ⏳ The ad of placement #{ $id } is late, and the hours of ads of { $channel } are over. I publish it when they begin again, and not before. If that takes too long, the advertiser gets the money back.
   *[advertiser] ⏳ Your ad of placement #{ $id } is late, and the hours of ads of { $channel } are over. I publish it when they begin again. If that takes longer than a day after its time, you get the money back.
}
notice-manager-answered = { $state ->
    [rejected] 👥 A manager of { $channel } has declined placement #{ $id } ({ $price }). There is nothing to do.
   *[accepted] 👥 A manager of { $channel } has accepted placement #{ $id }: { $price }, of which you get { $share }. An admin checks the ad now.
}
