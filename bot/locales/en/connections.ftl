connection-started = You are an administrator of “{ $title }”, and its creator has to confirm that it is offered. Forward the next message to the creator. The link works once, within 7 days. Until then nobody can buy a placement there.
connection-invitation = 👋 “{ $title }” can earn money with ads. As its creator, please open this link and press Start to confirm: { $link }
    Then you set the price, and you are asked about each ad.
connection-not-creator = Only the creator of “{ $title }” can confirm this, and for Telegram you are not its creator. Forward the link to the creator.
connection-no-right = I can't post in “{ $title }” at the moment. Make me an admin there with the right to post messages, then open the link again.
error-connect-yourself = Somebody has connected this channel here already. If it has a new creator, the creator connects it in “📺 My channels → ➕ Connect a channel”.
error-connection-link-wrong = { $why ->
    [used] This link was used already. If you are the channel's creator, look into 📺 My channels.
    [expired] This link is older than 7 days. Ask the administrator who sent it for a new one, or connect the channel yourself: 📺 My channels → ➕ Connect a channel.
   *[unknown] I don't know this link: it may be incomplete, or a newer one has replaced it. Open the newest link, or connect the channel yourself: 📺 My channels → ➕ Connect a channel.
}
notice-connection-confirmed = ✅ The creator of “{ $title }” has confirmed the connection. The creator sets the price now; then the channel is on offer. You need not do anything.
