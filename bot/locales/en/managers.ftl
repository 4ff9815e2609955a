channel-managers = 🤝 Managers
managers = 🤝 Managers of “{ $title }” may set the price and the terms, pause the channel and answer to ads. Money, the rule for answers, other managers and the removal of the channel stay yours.

    { $found ->
        [0] The channel has no other administrator. Add the person as an administrator in Telegram first, then open this list again.
       *[other] These people are administrators of the channel. Each of them has to start this bot before you can name them.
    }
manager-name = ➕ Name { $name }
manager-end = ✖️ End { $name }
error-manager-not-started = This person has not started the bot, or is blocked. Ask them to write /start to me, then name them again.
error-manager-ended = For Telegram, you are no administrator of this channel any more, so you can't act as its manager. Ask its owner. Nothing was changed.
notice-manager-named = 🤝 You are a manager of “{ $title }” now: you may set its price and terms, pause it, and answer to ads. I will ask you about each ad.
notice-manager-ended = You are no manager of “{ $title }” any more.
channels-row-managed = 🤝 { $row }
