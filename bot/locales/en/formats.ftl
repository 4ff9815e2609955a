stays = { $ending ->
    [endless] without end
   *[other] { hours }
}{ $top ->
    [0] {""}
    [one] {" "}(no newer post in the first hour)
   *[other] {" "}(no newer post in the first { $top } hours)
}{ $ending ->
    [removed] , then I take it down
    [endless] ; I check it in the first { hours }
   *[left] {""}
}
stays-short = { $top ->
    [0] {""}
   *[other] { $top }/
}{ $ending ->
    [endless] ∞
   *[left] { $hours } h
}{ $ending ->
    [removed] {" "}🗑
   *[left] {""}
}
usual-format = { $ending ->
    [removed] { $top }/{ $hours } · then I delete it
    [endless] ∞ · no deletion
   *[left] { $top }/{ $hours } · then you may delete it
}
channel-offered = Price of a post: { $price }{ $priced ->
    [yes] , of which you get { $share }
   *[no] {""}
}
    A post stays: { $stays }
channel-offered-more = Formats (hours without a newer post / all hours):
format-line = • { $kind }: { $price }, of which you get { $share }
formats = 🏷 What “{ $title }” sells
formats-choose = Choose a format to change its price or to stop selling it.
formats-row = { $kind } · { $price }
format-add = ➕ Add a format
format-topic = ✏️ Topic
format-card = 🏷 A format of “{ $title }”

    A post stays: { $stays }
    Price: { $price }. You get { $share }, and the platform's fee is { $fee }.
format-price = ✏️ Change the price
format-retire = 🗑 Stop selling it
format-last = This is the only format of the channel. To sell nothing for some time, pause the channel.
format-price-ask = The price is { $present } now. What should it be? For example: { $example }
format-price-sure = A post costs { $price }: you get { $share }, and the platform's fee is { $fee }. Is it right?
buy-format = 🛒 { $channel }: which format? In 2/48, for example, no newer post comes after yours in the first 2 hours, and it stays for 48 hours. 🗑 means that I take it down after that, ∞ that it stays.
error-last-format = This is the only format that the channel sells, so nothing was changed. Add another format first, or pause the channel.
error-too-many-formats = The channel sells { $limit } formats already, and more are not possible. Stop selling one of them first.
format-removal = 🗑 I delete it after other hours
format-removal-ask = After how many hours do I take the post down? Send whole hours from 1 to { $most }, for example 36 or 2/36.
removal-hours-wrong = Please send whole hours from 1 to { $most }, for example 36 or 2/36. Telegram lets me delete a post only for 48 hours, and before that I check that it stayed for its whole time. For 48 hours or more, go back and choose a format whose post you may delete yourself.
notice-post-removed = { $to ->
    [owner] 🗑 I have taken the ad of placement #{ $id } down from { $channel }: its time was over. There is nothing to do.
   *[advertiser] 🗑 Your ad was taken down from { $channel } as agreed, after { $hours } h (placement #{ $id }). There is nothing to do.
}
notice-removal-refused = 🗑 The time of the ad of placement #{ $id } in { $channel } is over, but I can't delete it myself. Please open the post and delete it. You have been paid for it.
