back = ⬅️ Back
no-go-back = ⬅️ No, go back
cancel = ✖️ Cancel
cancelled = Cancelled.
skip = Skip
save = 💾 Save
submit = ✅ Submit
refresh = 🔄 Refresh
unset = not set
page-previous = ◀️ Previous
page-next = Next ▶️
hours = { $hours ->
    [0] no promised time
    [one] { $hours } hour
   *[other] { $hours } hours
}
when-approved = as soon as it is approved
when-now = as soon as possible

button-stale = This button is out of date. Please open the menu again: /start
edit-not-read = I do not read edits of messages: what you sent first counts. Please send your answer again as a new message, or /cancel.
form-gone = This form is closed. Nothing was changed. Please open the menu again: /start
not-understood = I did not expect a message now. Please choose:
anonymous = You write as the group, not as yourself. Turn off anonymity in the group's admin settings and repeat the command.
not-own-words = A forwarded command does nothing. Type the command yourself.
answer-command = That is a command and not an answer. Please type the answer. To leave this form: /cancel
answer-forwarded = A forwarded message is no answer here. Please type the answer yourself.
too-many = ✋ You sent too many messages or presses in one minute. Those above the limit were not read. Wait a minute, then go on. Payments are not affected.
surprise = Sorry, something went wrong on our side. Nothing is lost: try again in a minute. If it happens again, send this number to the support (/paysupport): { $reference }
surprise-saved = Done and saved, but I could not show the result. Do not repeat it: look in the menu, /start. If something is wrong, send this number to the support (/paysupport): { $reference }
amount-currency = Amounts here are in { $currency ->
    [XTR] Telegram Stars
   *[other] { $currency }
}. Please send only the number, or for example { $example }.
amount-wrong = That is not an amount I can use. Please send a positive number, for example { $example }. Write the thousands without a space, a point or a comma.

menu = 👋 Welcome!

    Advertisers buy posts in other people's channels here. The money is held in escrow until it is proven that the post stayed in the channel. Otherwise it comes back. If that is in doubt, an admin decides.
menu-question = What would you like to do?
menu-balance = Your balance: { $balance }
menu-waiting = ⏳ Waiting for you:{ $answers ->
    [0] {""}
    [one] {" "}{ $answers } ad to answer (📺 My channels).
   *[other] {" "}{ $answers } ads to answer (📺 My channels).
}{ $changes ->
    [0] {""}
    [one] {" "}{ $changes } placement to change (📋 My placements).
   *[other] {" "}{ $changes } placements to change (📋 My placements).
}
menu-campaigns = 📣 Campaigns
menu-buy = 🛒 Buy a placement
menu-placements = 📋 My placements
menu-wallet = 💰 Wallet
menu-channels = 📺 My channels{ $waiting ->
    [0] {""}
   *[other] {" "}({ $waiting })
}
menu-settings = ⚙️ Settings
menu-help = ❓ How it works

settings = ⚙️ Settings

    Language: { $language }
    Time zone: { $zone }
settings-language = { $name }
settings-language-chosen = ✅ { $name }
settings-zone = 🕒 Time zone
language-en = English
language-ru = Русский
zone-unset = UTC (not chosen yet)
zone-ask = 🕒 Which time zone are you in?

    Send the name of the nearest big city in English, for example: Berlin, New York, Tokyo. UTC and a difference from UTC such as UTC+3 work too.
zone-unknown = I do not know that time zone. Send a big city's English name, for example Berlin, or a full name such as Europe/Berlin.

paysupport = 💬 Payment support

    Is something wrong with a payment? Look at 💰 Wallet → 📄 Statement first: it shows every movement of your money. Money that arrived is never lost, even if it is credited later.

    If it does not help, { $contact ->
        [none] write to the people from whom you know this bot.
       *[other] write to { $contact }.
    } Say what happened, the date and the amount of the payment, and the number of the placement or withdrawal if it is about one. Telegram's own support can't help with purchases made here.
terms = 📄 Terms

    You may advertise only what is legal and what you have the right to advertise. Every ad is checked before it is published. The price of a placement is held until the promised hours are over; then the owner of the channel is paid, minus the platform's fee. If the post could not be published, or was removed before the hours were over, you get the whole price back to your wallet.

    A channel's owner promises that a published post stays unchanged for the promised hours, and that the bot keeps its right to post. If the owner breaks this promise, the price stays held and an admin decides. If no admin decides within a day, the whole price comes back to your wallet.
privacy = 🔒 Privacy

    We keep your Telegram id, your language and time zone, your campaigns, your channels and the movements of your money. We do not keep your name or your phone number, and your messages are deleted once they are handled. Records of money are kept as long as the law requires.

bot-description = Buy advertising posts in Telegram channels, or sell them in your own. The money is held in escrow until it is proven that the post stayed as long as promised. Otherwise it comes back. Press Start.
bot-about = Ads in Telegram channels. The money waits in escrow until the post has stayed as promised.
command-start = Menu
command-cancel = Cancel what you have begun
command-settings = Language and time zone
command-help = How it works
command-paysupport = Help with a payment
command-terms = Terms
command-privacy = Privacy
command-queue = Placements that wait for a decision
command-killswitch = Stop or run parts of the product
command-health = Is everything working?
command-ledger = Check all invariants now
command-launch = The launch, phase by phase
command-incidents = Open incidents
command-chainfile = Begin a new file of the audit chain
