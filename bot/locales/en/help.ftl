help = ❓ How it works
help-advertiser = 📣 You buy ads
    1. Top up your wallet (💰 Wallet).
    2. Make a campaign (📣 Campaigns): a name, the ad, a budget. Save it and activate it.
    3. Buy a placement (🛒): choose a channel and a time.
    4. The owner of the channel accepts the ad, and an admin checks it. Once it is approved, the price is held in escrow and the ad is published.
    5. When the promised hours are over and the post is still there, the channel's owner is paid. If it could not be published or was removed, you get everything back.
    6. If the owner changes the ad a second time or locks me out, an admin decides. If none decides within a day, you get everything back.
help-advertiser-too = 📣 You can also buy ads in other people's channels: 📣 Campaigns → ➕ New campaign.
help-owner = 📺 You own a channel
    1. Connect a channel you created (📺 My channels). I need the right to post and no other.
    2. Set a price, the promised hours and a topic.
    3. I ask you about each ad, and publish only what you accept. You can let me accept ads for you (🤝 Answers to ads). Do not change published ads, and leave me my right to post. You are paid when the promised hours are over, minus the platform's fee.
    4. Take your money out: 💰 Wallet → 🏦 Withdraw.
help-owner-too = 📺 You can also sell ads in a channel that you have created: 📺 My channels → ➕ Connect a channel.
help-manager = 🧑‍💼 You manage a channel of somebody else
    You answer to its ads, and set its terms and its calendar: 📺 My channels. The money is its owner's, and you cannot move it.
help-staff = 🛡 You are one of the staff. Your commands work in the admin chat alone: write /help there.
help-role = { $role ->
    [admin] Admin: you check ads and channels, and decide about posts, complaints, withdrawals and corrections.
    [operator] Operator: you stop and run parts of the product, and read reports and incidents.
   *[super_admin] Super admin: you do all that admins and operators do, decide about appeals, and give roles.
}
help-commands = ⌨️ Commands
cancel-nothing = There is nothing to cancel: no form is open.
cancel-group = In groups, nothing can be begun with me, so there is nothing to cancel. An open form here is closed with /cancel in this chat.
cancel-cards = ↩️ Cancelled: colleagues can read these cards again: { $ids }
cancel-staff = There is nothing of yours to cancel here: you read no card. Requests and corrections are cancelled on their own cards: /requests, /corrections
