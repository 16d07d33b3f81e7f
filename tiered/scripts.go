package tiered

import "github.com/redis/go-redis/v9"

// The scripts. Each has one key and touches nothing else, so that nothing spans the slots of a Cluster; each executes
// at once, and its commands exist in Redis 7.0 and in Valkey. KEYS[1] is the entry's key but for scriptPrefix's.
//
// A head is the first bytes of what is stored, the empty string if nothing is; a key of another type has a foreign head.

// luaHead reads the head h (24 bytes) and, after a lease, the mark.
const luaHead = `
local head = redis.pcall('GETRANGE', KEYS[1], 0, 24)
if type(head) ~= 'string' then head = 'foreign' end -- a key of another type
local h = string.sub(head, 1, 24)
local HOLD = '` + hold + `'
`

// luaToken makes the caller's 16 bytes unique to this execution: a command that the client or the network repeats
// makes a lease that nobody owns.
const luaToken = `
local function stamp()
	local t = redis.call('TIME')
	return t[1] * 1000000 + t[2]
end
local function pack(n) -- seven bytes; string.char takes the whole part of each
	return string.char(n / 2^48 % 256, n / 2^40 % 256, n / 2^32 % 256, n / 2^24 % 256, n / 65536 % 256, n / 256 % 256, n % 256)
end
`

var (
	// scriptLease replaces the head ARGV[1] by a lease: ARGV[2] random bytes, ARGV[3] milliseconds. If another head is
	// there it returns the record; a lease is marked then: whoever ends it wakes those who wait.
	// What an expired value or one past its time holds stays under the lease (ARGV[4] '1'). It answers 2 instead
	// of 1 if a key of another type was there.
	scriptLease = redis.NewScript(luaHead + luaToken + `
if h ~= ARGV[1] and not (head == 'foreign' and ARGV[1] == '') then
	if string.sub(h, 1, 1) == 'L' and #head == 25 then redis.call('SETRANGE', KEYS[1], 24, '1') end
	local now = redis.pcall('GET', KEYS[1])
	if type(now) ~= 'string' then now = '' end
	return {0, now}
end
local kept = ''
if ARGV[4] == '1' then
	kept = redis.call('GET', KEYS[1])
	if string.sub(kept, 1, 1) == 'L' then kept = string.sub(kept, 26) end
end
local tok = ARGV[2] .. pack(stamp())
redis.call('SET', KEYS[1], 'L' .. tok .. '0' .. kept, 'PX', ARGV[3])
return {head == 'foreign' and 2 or 1, tok}`)

	// scriptFill replaces the head ARGV[1] by the record ARGV[2] for ARGV[3] milliseconds, and wakes those who wait for
	// the lease (message ARGV[5] on channel ARGV[4]). A repeated fill answers success.
	scriptFill = redis.NewScript(luaHead + `
if h ~= ARGV[1] then
	if h == string.sub(ARGV[2], 1, 24) then return 1 end
	return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
if string.sub(h, 1, 1) == 'L' and string.sub(head, 25, 25) == '1' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
return 1`)

	// scriptRenew prolongs the lease ARGV[1] to ARGV[2] milliseconds from now.
	scriptRenew = redis.NewScript(luaHead + `
if h ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

	// scriptAbandon gives the lease ARGV[1] back: what it covered returns for ARGV[2] milliseconds, if that is above 0.
	scriptAbandon = redis.NewScript(luaHead + `
if h ~= ARGV[1] then return 0 end
local kept = redis.call('GETRANGE', KEYS[1], 25, -1)
if kept ~= '' and tonumber(ARGV[2]) > 0 then
	redis.call('SET', KEYS[1], kept, 'PX', ARGV[2])
else
	redis.call('DEL', KEYS[1])
end
if string.sub(head, 25, 25) == '1' then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return 1`)

	// scriptClaim reserves the refresh of the value ARGV[1] for ARGV[2] microseconds: one for all nodes.
	scriptClaim = redis.NewScript(luaHead + luaToken + `
if h ~= ARGV[1] then return 0 end
local claim, now, packed = 0, stamp(), redis.call('GETRANGE', KEYS[1], 24, 30)
for i = 1, #packed do claim = claim * 256 + string.byte(packed, i) end
if claim > now then return 0 end
redis.call('SETRANGE', KEYS[1], 24, pack(now + ARGV[2]))
return 1`)

	// scriptInvalidate removes anything but a hold, and publishes.
	scriptInvalidate = redis.NewScript(luaHead + `
if h ~= HOLD then redis.call('UNLINK', KEYS[1]) end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1`)

	// scriptExpire makes a value expired, removes a lease and an absence, spares a hold, and publishes.
	scriptExpire = redis.NewScript(luaHead + `
local kind = string.sub(h, 1, 1)
if kind == 'V' and h ~= head then
	redis.call('SETRANGE', KEYS[1], 0, 'X')
elseif kind ~= 'X' and h ~= HOLD then
	redis.call('UNLINK', KEYS[1])
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1`)

	// scriptSet takes the lease of a Set, unless a hold stands, and publishes.
	scriptSet = redis.NewScript(luaHead + luaToken + `
local tok = ''
if h ~= HOLD then
	tok = ARGV[3] .. pack(stamp())
	redis.call('SET', KEYS[1], 'L' .. tok .. '0', 'PX', ARGV[4])
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return tok`)

	// scriptHold adds the token ARGV[3] to a hold of at least ARGV[4] milliseconds, and publishes: other nodes' memory
	// must not outlive what is about to be written.
	scriptHold = redis.NewScript(luaHead + `
local ttl, tokens = tonumber(ARGV[4]), ''
if h == HOLD then
	ttl = math.max(ttl, redis.call('PTTL', KEYS[1]))
	tokens = redis.call('GETRANGE', KEYS[1], 24, -1)
end
for i = 1, #tokens, 16 do
	if string.sub(tokens, i, i + 15) == ARGV[3] then ARGV[3] = '' end
end
redis.call('SET', KEYS[1], HOLD .. tokens .. ARGV[3], 'PX', string.format('%.0f', ttl))
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1`)

	// scriptRelease takes the token ARGV[3] out of a hold, which goes with the last one (after ARGV[4] milliseconds, if
	// above 0), removes anything else, and publishes.
	scriptRelease = redis.NewScript(luaHead + `
if h == HOLD then
	local tokens, rest = redis.call('GETRANGE', KEYS[1], 24, -1), ''
	for i = 1, #tokens, 16 do
		local t = string.sub(tokens, i, i + 15)
		if t ~= ARGV[3] then rest = rest .. t end
	end
	if rest ~= tokens then
		if tonumber(ARGV[4]) > 0 then -- the token stays; others' may be there for the same reason
			if rest == '' or tonumber(ARGV[4]) > redis.call('PTTL', KEYS[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
		elseif rest == '' then
			redis.call('UNLINK', KEYS[1])
		else
			redis.call('SET', KEYS[1], HOLD .. rest, 'KEEPTTL')
		end
	end
else
	redis.call('UNLINK', KEYS[1])
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1`)

	// scriptPrefix enters the prefix ARGV[1] into the sorted set KEYS[1] with the next sequence: above the last, above
	// what the caller knows (ARGV[2]) and not below the server's microseconds. It drops what is older than ARGV[3]
	// microseconds, compared with now and not with the sequence, which can run ahead; a set of more than ARGV[4]
	// becomes one invalidation of everything. It publishes ARGV[6], sequence, previous and prefix on ARGV[5], and
	// returns the sequence and all that came after ARGV[7].
	scriptPrefix = redis.NewScript(`
local function text(n) return string.format('%.0f', n) end
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local top = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local previous = tonumber(top[2] or '0')
local seq = math.max(previous, tonumber(ARGV[2])) + 1
if now > seq then seq = now end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. text(now - tonumber(ARGV[3])))
local prefix = ARGV[1]
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
	redis.call('DEL', KEYS[1])
	prefix = ''
end
redis.call('ZADD', KEYS[1], text(seq), prefix)
redis.call('PEXPIRE', KEYS[1], text(2 * tonumber(ARGV[3]) / 1000))
redis.call('PUBLISH', ARGV[5], ARGV[6] .. text(seq) .. ' ' .. text(previous) .. ' ' .. prefix)
return {text(seq), redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[7], '+inf', 'WITHSCORES')}`)

	// scriptRaise makes the sorted set's top sequence at least ARGV[1]: after a failover the new master may lack some.
	scriptRaise = redis.NewScript(`
local top = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if tonumber(top[2] or '0') < tonumber(ARGV[1]) then
	redis.call('ZADD', KEYS[1], ARGV[1], '%')
	redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1`)
)
