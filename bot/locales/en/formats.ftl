stays = { $ending ->
    [endless] without end (I check it in the first { hours })
   *[left] { hours }
}{ $top ->
    [0] {""}
    [one] , in the first hour no newer post comes after it
   *[other] , in the first { $top } hours no newer post comes after it
}
stays-short = { $top ->
    [0] {""}
   *[other] { $top }/
}{ $ending ->
    [endless] ∞
   *[left] { $hours } h
}
usual-format = { $ending ->
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
buy-format = 🛒 { $channel }: which format? In 2/48, for example, no newer post comes after yours in the first 2 hours, and it stays for 48 hours.
error-last-format = This is the only format that the channel sells, so nothing was changed. Add another format first, or pause the channel.
error-too-many-formats = The channel sells { $limit } formats already, and more are not possible. Stop selling one of them first.
