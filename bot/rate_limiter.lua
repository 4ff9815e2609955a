-- Give places in Telegram's limits to messages, and count the places whose answers came.
--
-- KEYS: the set of resting chats, the set of all messages, the time of the last place, the mark that
-- something else than an ad went like an ad; then two keys of each chat, its second and its minute:
-- first of the chats whose answers came, then of the chats that ask for a place.
-- ARGV: messages a second; the same for all but ads; the least pause between two messages; how long
-- before its time a place is given; how long a place counts while its answer is awaited; how many
-- resting chats make all rest; how long the mark stays; the number of answers. Then for each answer
-- its chat and how long ago it came, and for each message its chat, 1 for an ad, 1 if its answer is
-- told, how long before its time it takes a place, and the rank of the place that must be free in
-- its minute. All times are milliseconds.
--
-- Scores are milliseconds of Redis's own clock, as the clocks of the processes may differ. A score
-- says from when a message counts. While its answer is awaited, it is the time until which the
-- message counts in any case. A place is known by its chat, because a chat has one in a second.
--
-- A place is given before its time: it is the place of the message that counts longest, and its new
-- message may leave when that one counts no more. The answer holds two numbers for each message:
-- 0 and when it may leave, 1 and how long all chats must wait, or 2 and how long this chat must.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local most, left, gap, lead, held, flooded, told_every, answers = unpack(ARGV)
most, left, gap, lead = tonumber(most), tonumber(left), tonumber(gap), tonumber(lead)
held = tonumber(held)
local rests, all, pace, told = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local key, arg = 4, 8

for _ = 1, answers do
    local chat, moment = ARGV[arg + 1], now - ARGV[arg + 2]
    redis.call('ZADD', all, 'XX', moment, chat)
    redis.call('ZADD', KEYS[key + 1], 'XX', moment, chat)
    local latest = redis.call('ZRANGE', KEYS[key + 2], -1, -1)[1]
    if latest then redis.call('ZADD', KEYS[key + 2], 'XX', moment, latest) end
    key, arg = key + 2, arg + 2
end

redis.call('ZREMRANGEBYSCORE', rests, '-inf', now)
local flood
if redis.call('ZCARD', rests) >= tonumber(flooded) then
    flood = redis.call('ZRANGE', rests, 0, 0, 'WITHSCORES')[2]
end
redis.call('ZREMRANGEBYSCORE', all, '-inf', now - 1000)
local taken = redis.call('ZCARD', all)
local last = tonumber(redis.call('GET', pace) or 0)

local function full(places, allowed, window)
    local nth = redis.call('ZRANGE', places, -allowed, -allowed, 'WITHSCORES')[2]
    return nth and math.min(nth, now) + window or 0
end

local found = {}
while KEYS[key + 1] do
    local chat, ad, answered = ARGV[arg + 1], ARGV[arg + 2] == '1', ARGV[arg + 3] == '1'
    local free = tonumber(ARGV[arg + 5])
    local second, minute = KEYS[key + 1], KEYS[key + 2]
    local own = tonumber(redis.call('ZSCORE', rests, chat) or flood or 0)
    own = math.max(own, full(second, 1, 1000))
    local group = string.sub(chat, 1, 1) == '-'
    if group then own = math.max(own, full(minute, free, 60000)) end
    local allowed = most
    if not ad and redis.call('EXISTS', told) == 1 then allowed = left end
    local leaves = math.max(now, last + gap)
    if taken >= allowed then leaves = math.max(leaves, full(all, allowed, 1000)) end
    if own > now then
        found[#found + 1], found[#found + 2] = 2, math.ceil(math.max(own, leaves) - now)
    elseif leaves - ARGV[arg + 4] > now then
        found[#found + 1], found[#found + 2] = 1, math.ceil(leaves - now)
    else
        local counts = answered and leaves + held or leaves
        if taken >= most then redis.call('ZREMRANGEBYRANK', all, 0, 0) else taken = taken + 1 end
        redis.call('ZADD', all, counts, chat)
        redis.call('ZADD', second, counts, chat)
        redis.call('PEXPIRE', all, 1000 + lead + held)
        redis.call('PEXPIRE', second, 1000 + lead + held)
        if group then
            redis.call('ZREMRANGEBYSCORE', minute, '-inf', now - 60000)
            redis.call('ZADD', minute, counts, string.format('%.1f', leaves))
            redis.call('PEXPIRE', minute, 60000 + lead + held)
        end
        last = leaves
        redis.call('SET', pace, string.format('%.1f', last), 'PX', 1000)
        if not ad then redis.call('SET', told, 1, 'PX', told_every) end
        found[#found + 1], found[#found + 2] = 0, math.ceil(leaves - now)
    end
    key, arg = key + 2, arg + 5
end
return found
