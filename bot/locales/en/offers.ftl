offer = 🆕 Placement #{ $id }: an advertiser wants to publish this ad in { $channel }.

    Price: { $price }
    You get: { $share } (the platform's fee is { $fee })
    Stays: { $stays }
    To be published: { $when }
    Advertiser: number { $advertiser }, { $kept ->
        [0] no placement has stayed to its end yet
        [one] { $kept } placement has stayed to its end
       *[other] { $kept } placements have stayed to their end
    }{ $cancelled ->
        [0] {""}
       *[other] , cancelled { $cancelled } of { $approved } before their time
    }
offer-topic = Topic: { $topic }
offer-until = Please answer by { $until }. Without an answer, the ad is not published.
offer-accept = ✅ Accept
offer-decline = ❌ Decline
offer-why = Why do you decline it? The advertiser reads the reason.
decline-reason = { $reason ->
    [topic] Does not fit the channel
    [quality] Poor quality
    [price] The price is too low
    [time] The time does not suit
    [other] Not now
   *[unknown] { $reason }
}
offer-open = 👁 Show the ad and answer
offer-list = ⏳ All that wait for me
offers = ⏳ These ads wait for your answer, the oldest first:
offers-none = ✅ No ad waits for your answer.
offers-row = #{ $id } · { $channel } · { $price }

rule = 🤝 Answers to ads in “{ $title }”

    Now: { $mode ->
        [ask] I ask you about each ad.
        [all] I accept each ad for you
       *[known] { $kept ->
            [one] I accept ads for you from advertisers with at least { $kept } placement that stayed to its end
           *[other] I accept ads for you from advertisers with at least { $kept } placements that stayed to their end
        }
    }{ $mode ->
        [ask] {""}
       *[other] { $limit ->
            [none] , at any price.
           *[price] , up to a price of { $limit }. About the others I ask you.
        }
    }

    An admin checks each ad before it is published. A change counts for ads that are submitted from now on.
rule-topics = 🏷 I also ask you about ads on these topics, and about ads without a topic: { $topics }.
rule-topics-button = 🏷 Except for some topics
rule-topics-ask = 🏷 Topics about which I ask you, in “{ $title }”

    I don't accept ads on the marked topics for you, but ask you about them. As soon as a topic is marked, I also ask you about ads without a topic.

    The advertiser says what the ad is about. You and the admins see it with each ad.
rule-topic = { $excluded ->
    [yes] ✋ { $topic }
   *[no] { $topic }
}
rule-ask = ✋ Ask me about each ad
rule-accept = { $kept ->
    [0] ✅ Accept each ad
    [one] 🤝 Accept if { $kept } placement was kept
   *[other] 🤝 Accept if { $kept } placements were kept
}
rule-limit-ask = 🤝 Answers to ads in “{ $title }”

    { $mode ->
        [all] I will accept each ad for you
       *[known] { $kept ->
            [one] I will accept ads for you from advertisers with at least { $kept } placement that stayed to its end
           *[other] I will accept ads for you from advertisers with at least { $kept } placements that stayed to their end
        }
    }. Up to which price?
rule-limit = { $limit ->
    [none] At any price
   *[price] Up to { $limit }
}

owner-record = { $placements ->
    [0] The owner has no finished placement here in the last 90 days.
   *[other] The owner's last placements here, of 90 days: { $kept } stayed to the end, { $removed } removed early, { $altered } changed, { $declined } declined, { $unanswered } without an answer.
}{ $answer ->
    [0] {""}
    [one] {" "}The owner usually answers within { $answer } hour.
   *[other] {" "}The owner usually answers within { $answer } hours.
}
