change-ask = ✏️ Ask for a change
change-what = What should be different? The advertiser reads it and can change the ad. Until you accept, nothing is published.
change-choice = { $what ->
    [words] ✏️ The ad (in your own words)
    [price] 💰 The price
    [format] 📐 Another format
   *[time] 🕒 The time of publication
}
change-words-ask = What should be different in the ad? Write it in your own words; the advertiser reads exactly this.
change-price-ask = What price do you ask for? The advertiser now pays { $price }. For example: { $example }
change-time-ask = 🕒 When should it be published? The advertiser wants: { $when }. Choose a day, or send the date and the time, for example 2030-12-31 18:00

    Your time zone: { $zone }
change-what-staff = What should be different? The advertiser can change the ad, and then the owner and you see it again. In your own words: /change { $id } WORDS
change-reason = { $reason ->
    [text] The text has mistakes
    [link] The link does not work or is missing
    [picture] The picture or video does not suit
    [claim] A claim that nobody can check
    [language] Another language is needed
   *[unknown] { $reason }
}
change-format-ask = Which of your formats should it be? The advertiser pays its price.
change-format = { $kind } for { $price }
change-price = the price { $price }
change-time = publication at { $at }
change-wanted = ✏️ { $to ->
    [owner] { $side ->
        [owner] You asked for a change
       *[moderator] A moderator asks for a change
    }
   *[other] { $side ->
        [owner] The owner asks for a change
       *[moderator] A moderator asks for a change
    }
}: { $what }
placement-version = Version { $version } of this placement
change-accept = ✅ Accept: { $what }
change-edit = ✏️ Change the ad
change-move = 🕒 Change the time
move-ask = 🕒 When should placement #{ $id } in { $channel } be published? Its time now: { $when }. Choose a day, or send the date and the time, for example 2030-12-31 18:00

    Your time zone: { $zone }
move-confirm = 🕒 Placement #{ $id } in { $channel }

    Time now: { $when }
    New time: { $at }

    The owner of the channel is asked about the new time, and then an admin. Is it right?
change-usage = Write the number of the placement and what should be different, for example: /change 12 Please name the price in the text
change-ad-ask = Send the new ad for placement #{ $id }, exactly as it should look: a text with formatting, or one photo, video, GIF or document with a caption, or an album. The link button stays as it is. Other placements of the campaign keep their ad.
change-button-none = 🚫 No link button
change-preview = 👆 This is the ad, exactly as it will be published.

    The owner of { $channel } is asked about it again, and then an admin. Change its parts one by one with the buttons, or send another ad, which replaces this one.
change-send = ✅ Send
notice-change-asked = ✏️ { $side ->
    [owner] The owner of { $channel } asks for a change of placement #{ $id }
   *[moderator] A moderator asks for a change of placement #{ $id } in { $channel }
}: { $what }

    Change it, and the same placement goes on. Without a change it ends; no money has been taken.
notice-change-over = ✏️ A change of placement #{ $id } in { $channel } was asked for, but the placement has gone on since.
command-change = Ask an advertiser to change an ad
