-- Keep what is known of reaching hosts of a region; the later time wins.
-- KEYS: the hash. ARGV: host, time and what is known, as "<time> <text>", of every host.

for index = 1, #ARGV, 3 do
  local host, time, known = unpack(ARGV, index, index + 2)
  local before = redis.call('HGET', KEYS[1], host)
  if not before or tonumber(string.match(before, '^%-?%d+')) <= tonumber(time) then
    redis.call('HSET', KEYS[1], host, known)
  end
end
