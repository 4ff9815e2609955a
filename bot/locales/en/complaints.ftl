complaint-new = ⚠️ Complain about the post
complaint-open = ⚖️ The complaint
complaint-what = ⚠️ Placement #{ $id } in { $channel }: what is wrong with the post?

    While a complaint is open, the owner is not paid. The owner is asked first, and can correct the post or answer. If that is not enough for you, the staff decide. You can complain twice about a placement.
complaint-kind = { $kind ->
    [wrong] ✏️ Another text or link than agreed
    [removed] 🗑 Removed early
    [covered] ⬆️ Not on top long enough
   *[other] 💬 Something else
}
complaint-words-ask = What is wrong with the post? Write it in your own words, at most 500 characters. The owner and the staff read exactly this.
complaint-answer-ask = What do you answer to the advertiser? Write it in your own words, at most 500 characters. The advertiser and the staff read exactly this.
complaint-answer = 💬 Answer
complaint-card = ⚖️ Complaint { $number }: placement #{ $id } in { $channel }

    What about: { $kind ->
        [wrong] another text or link than agreed
        [removed] removed early
        [covered] not on top long enough
       *[other] something else
    }
    { $held ->
        [yes] Price, which is held: { $price }
       *[no] Price: { $price }
    }
complaint-step = { $at }: { $kind ->
    [opened] the advertiser complained.
    [answered] the owner answered.
    [correcting] the owner let the bot correct the post.
    [corrected] the bot has put the post right, as it was agreed.
    [gone] the bot has proven that the post is not in the channel any more.
    [republishing] the owner let the bot publish the post again.
    [republished] the post is published again, and the whole promised time has begun anew.
    [satisfied] the advertiser has no complaint any more.
    [disputed] this was not enough for the advertiser, and the staff were asked.
    [decided] the staff decided: { $what }
    [accepted] { $side ->
        [owner] the owner accepted the decision.
       *[advertiser] the advertiser accepted the decision.
    }
    [appealed] { $side ->
        [owner] the owner appealed.
       *[advertiser] the advertiser appealed.
    }
    [timed_out] nobody answered in time.
    [reminded] the staff were told again.
    [absorbed] the bot itself found that a promise was broken or that the post did not stay, and this is decided instead.
   *[ended] the decision took effect.
}
complaint-decision = { $decision ->
    [release] the owner is paid { $owner } (the fee is { $fee }).
    [refund] the advertiser gets { $advertiser } back.
   *[split] { $percent } % for the owner. The owner is paid { $owner } (the fee is { $fee }), and the advertiser gets { $advertiser } back.
}
complaint-state = { $state ->
    [asked] { $side ->
        [owner] 👉 Please correct the post or answer, until { $until }. Without an answer, the staff decide. If the post was removed, the bot finds this out within minutes and asks you whether to publish it again.
       *[other] ⏳ The owner has until { $until } for an answer. After that, the staff are asked.
    }
    [correcting] ⏳ The bot corrects the post.
    [gone] { $side ->
        [owner] 👉 The post is gone. Please let the bot publish it again until { $until }: once, as it was agreed, for the whole promised time. Otherwise the advertiser gets the price back.
       *[other] ⏳ The owner can let the bot publish the post again until { $until }: once, as it was agreed, for the whole promised time. Otherwise the advertiser gets the price back.
    }
    [republishing] ⏳ The bot publishes the post again. If it is not out by { $until }, the complaint goes on without it.
    [answered] { $side ->
        [advertiser] 👉 Is this enough for you? Please answer until { $until }. Without an answer, the complaint is closed, and the owner is paid as agreed.
       *[other] ⏳ The advertiser has until { $until } to say whether this is enough. Without an answer, the complaint is closed, and the owner is paid as agreed.
    }
    [disputed] { $side ->
        [staff] 👉 Please decide until { $until }. After the second reminder, the complaint is closed without a decision, and the owner is paid if the bot's checks have proven the post. Another part than a button's: /split COMPLAINT PERCENT
       *[other] ⏳ The staff are asked for a decision.
    }
    [decided] { $appeal ->
        [yes] 👉 You can appeal until { $until }. Then another person decides, once and for good. If both sides accept, the decision takes effect at once.
       *[no] ⏳ The decision takes effect at { $until }, unless there is an appeal before.
    }
    [appealed] { $side ->
        [staff] 👉 A super admin who has not decided before has to decide about the appeal until { $until }. Without a decision, the first one stands.
       *[other] ⏳ A super admin is asked for the last decision. Without one, the first decision stands.
    }
    [satisfied] ✅ Closed: the advertiser has no complaint any more. The owner is paid as agreed.
    [silent] ✅ Closed: the advertiser did not answer in time. The owner is paid as agreed.
    [unanswered] ✅ Closed without a decision of the staff. The owner is paid if the bot's checks have proven the post.
    [absorbed] ✅ Closed: the bot itself found that a promise was broken or that the post did not stay. This is decided instead: see the placement.
    [released] ✅ Closed: the owner is paid as agreed.
    [refunded] ✅ Closed: the advertiser gets the price back.
   *[split] ✅ Closed: the price is split, as it was decided.
}
complaint-people = Advertiser: { $advertiser }, complaints so far: { $complaints }, of which without ground: { $groundless }. Owner: { $owner }
complaint-act = { $act ->
    [satisfied] ✅ I am satisfied
    [disputed] ⚖️ Not enough: ask the staff
    [accepted] ✅ Accept the decision
    [appealed] ⚖️ Appeal
    [correcting] 🛠 Let the bot correct the post
    [republish] 🔁 Publish it again
    [republishing] 🔁 Yes, publish it again
    [evidence] 📎 Evidence
   *[card] 🔄 Refresh
}
complaint-decide = { $decision ->
    [release] 💰 Pay the owner
    [refund] ↩️ Refund the advertiser
   *[split] { $percent } % to the owner
}
complaint-republish-sure = 🔁 The bot publishes exactly the agreed ad in { $channel } again, at the next free time of the channel. It has to stay there for the whole promised time ({ $hours } h) from then on. This is possible once for a placement. If this post is removed as well, the advertiser gets the price back. Publish it again?
complaint-sure = ⚖️ Complaint { $number }: { $what } Both sides can appeal within 48 hours. After that, this can't be undone. Do you decide so?
complaint-sure-button = ⚖️ Yes, decide so
complaint-split-usage = Usage: /split COMPLAINT PERCENT, for example /split 12 40. The owner gets this part of the price (1 to 99), and the advertiser the rest.
notice-complaint = { $step ->
    [opened] ⚠️ An advertiser complains about a post in your channel. The money is held until this is settled.
    [answered] 💬 The owner has answered your complaint.
    [corrected] 🛠 The post of your complaint was corrected.
    [gone] 🗑 The post of the complaint is not in the channel any more.
    [republishing] 🔁 The owner lets the bot publish the post of your complaint again.
    [republished] 🔁 The post of the complaint is published again.
    [satisfied] ✅ The advertiser is satisfied. The complaint is closed.
    [disputed] ⚖️ The advertiser has asked the staff to decide about the complaint.
    [decided] ⚖️ The staff have decided about the complaint.
    [appealed] ⚖️ The other side has appealed against the decision.
    [timed_out] ⏳ The time of a step of the complaint is over.
    [absorbed] ⚖️ The complaint is closed, because the bot itself found a broken promise, or because the post did not stay.
   *[ended] ⚖️ The decision about the complaint has taken effect.
}
placement-paid-after = The owner is paid after { $at } at the earliest. Until then, the advertiser can complain.
command-split = Split the price after a complaint
evidence-title = Evidence: complaint { $number }, placement { $id }
evidence-agreed = What was agreed
evidence-terms = Version { $version }, price { $price }. The post stays: { $stays }.
    Published: { $published }. Promised until: { $until }. The owner is paid after: { $paid } at the earliest.
evidence-checks = Checks of the post ({ $count }, the newest ones)
evidence-checks-how = At each check the bot asks Telegram to write the ad as it was agreed. If nothing was changed, Telegram answers “message is not modified”. The last column is what Telegram answered, word for word.
evidence-verdict = { $verdict ->
    [present] the ad was there
    [altered] the ad was changed, and the bot put it right
    [gone] the ad was not there
    [stayed] the ad stayed until the promised end
   *[unknown] no clear answer
}
evidence-above = Newer posts in the hours on top
evidence-not-above = { $hours ->
    [0] No hours on top were promised.
   *[other] The bot knows of no newer post in the promised hours on top ({ $hours }).
}
evidence-steps = Steps and decisions
evidence-transfers = Transfers of this placement
evidence-reason = { $reason ->
    [escrow_hold] held
    [payout] paid
   *[refund] refunded
}
evidence-wallet = { $wallet ->
    [advertiser] advertiser
    [owner] owner
    [held] held money
   *[platform] platform's fee
}
evidence-summary = 📎 Evidence of complaint { $number }, placement #{ $id }. Checks: { $checks }; the ad was there: { $seen }, changed: { $altered }, not there: { $gone }. { $covered ->
    [no] No newer post in the hours on top is known.
   *[other] A newer post came above it: { $covered }.
}
